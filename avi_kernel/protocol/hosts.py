"""The hosts that one AVI may reach, as its operator or its author wrote them down."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from avi_kernel.protocol.addresses import Reach, is_address, is_loopback, reach_of

EGRESS_FILE = "egress.log"
"""In the platform's own folder of a box: every call that it made, or asked for."""
_USUAL_PORTS = frozenset({80, 443})
_ENTRY = re.compile(r"(inner:(?![0-9]+$))?(?:\[(.+)\]|([^:]+)|(.+))(?::([0-9]{1,5}))?")


@dataclass(frozen=True, kw_only=True)
class Destination:
    """Where a call wants to go."""

    host: str
    port: int


@dataclass(frozen=True, kw_only=True)
class _Entry:
    host: str
    port: int | None
    inner: bool

    def matches(self, wanted: Destination) -> bool:
        if wanted.port != self.port and (self.port is not None or wanted.port not in _USUAL_PORTS):
            return False
        if self.host.startswith("*."):
            return wanted.host.endswith(self.host[1:]) and not is_address(wanted.host)
        return wanted.host == self.host

    def may_be(self, address: str) -> bool:
        """Tell whether the entry may lead to an inner address: whoever answers for a name chooses its address."""
        own = self.host == "localhost" or self.host.endswith(".localhost")
        return self.inner or is_address(self.host) or (own and is_loopback(address))


class AllowedHosts:
    """The hosts that one AVI may reach.

    Parameters
    ----------
    entries
        `host`, `host:port` or `*.domain`, without a port: 80 and 443. With `inner:` before it, it may lead to this
        machine or a private network; so may an address, and `localhost` to this machine.
    """

    def __init__(self, entries: Sequence[str]) -> None:
        self._entries = [_entry(text.strip().lower()) for text in entries]

    def allows(self, wanted: Destination) -> bool:
        """Tell whether the name and the port are listed."""
        return any(entry.matches(wanted) for entry in self._entries)

    def admits(self, wanted: Destination, address: str) -> bool:
        """Tell whether a listed name may lead to this address."""
        reach = reach_of(address)
        if reach is Reach.INNER:
            return any(entry.matches(wanted) and entry.may_be(address) for entry in self._entries)
        return reach is Reach.PUBLIC


def _entry(text: str) -> _Entry:
    found = _ENTRY.fullmatch(text)
    if found is None:
        return _Entry(host="", port=None, inner=False)  # matches nothing
    mark, bracketed, plain, other, digits = found.groups()
    return _Entry(host=bracketed or plain or other, port=int(digits) if digits else None, inner=bool(mark))
