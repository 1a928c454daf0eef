"""Whom a box called, as the proxy beside it wrote down: no code in the box can change that record."""

from collections import Counter
from collections.abc import Iterable, Sequence

from pydantic import ValidationError

from avi_kernel.protocol.base import Count, Wire
from avi_kernel.protocol.hosts import AllowedHosts, Destination
from avi_kernel.protocol.scorecard import HostCall

MOST_KEPT = 1000
_USUAL_PORTS = (80, 443)


class Called(Wire):
    """A host and port that a box called, or asked for in vain."""

    host: str
    port: Count
    times: Count = 1


class _Line(Wire, extra="ignore"):
    """A line of the record, as far as it is read here."""

    host: str
    port: Count
    ends: bool = False


def called_of(lines: Iterable[str | bytes]) -> list[Called] | None:
    """Return what a record tells, each host and port once; a line that was cut short is left out.

    None where it names more than are kept: whoever wants one not to be seen may call a thousand others first.
    """
    counted: Counter[tuple[str, int]] = Counter()
    for text in lines:
        try:
            line = _Line.model_validate_json(text)
        except ValidationError:
            continue
        if line.ends:  # it was counted when it began
            continue
        counted[line.host, line.port] += 1
        if len(counted) > MOST_KEPT:
            return None
    return [Called(host=host, port=port, times=times) for (host, port), times in counted.items()]


def joined(called: Sequence[Called], told: Sequence[HostCall], declared: Sequence[str]) -> list[HostCall]:
    """Return the calls of a check, the undeclared first.

    What the record has is as the record says. Of what was told inside the box, only what speaks against the AVI is taken in
    addition: a look-up, or a connection past the proxy, never left the box.

    Parameters
    ----------
    declared
        Hosts that the AVI may call: those of its `avi.toml`, and the archive's.
    """
    allowed = AllowedHosts(declared)
    found = {(one.host, one.port): _host_call(one, allowed) for one in called}
    for one in told:
        if not is_declared(allowed, one.host, one.port):
            found.setdefault((one.host, one.port), one.model_copy(update={"declared": False}))
    return sorted(found.values(), key=lambda call: (call.declared, call.host, call.port))


def is_declared(allowed: AllowedHosts, host: str, port: int) -> bool:
    """Tell whether a call goes where it may; port 0: it was only looked up."""
    ports = [port] if port else _USUAL_PORTS
    return any(allowed.allows(Destination(host=host, port=each)) for each in ports)


def _host_call(one: Called, allowed: AllowedHosts) -> HostCall:
    port = min(one.port, 65535)
    return HostCall(host=one.host, port=port, declared=is_declared(allowed, one.host, port), times=one.times)
