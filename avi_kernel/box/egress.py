"""The box's way to the rest of the world: a forward proxy that knows the AVI's hosts, and writes down every call."""

import asyncio
import ipaddress
import json
import os
import re
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from avi_kernel.box.heads import LARGEST_HEAD, BadRequest, Head, copy_body, pump, read_head
from avi_kernel.box.serving import close, join

_USUAL_PORTS = frozenset({80, 443})
_HEAD_WITHIN = 60.0
_CONNECT_WITHIN = 30.0
_LARGEST_LOG = 16 * 1024 * 1024
_NAME = re.compile(r"[a-z0-9]([a-z0-9._-]{0,251}[a-z0-9])?")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True, kw_only=True)
class Destination:
    """Where a call wants to go."""

    host: str
    port: int


class AllowedHosts:
    """The hosts that one AVI may reach.

    Parameters
    ----------
    entries
        `host`, `host:port` or `*.domain`; without a port: 80 and 443.
    """

    def __init__(self, entries: Sequence[str]) -> None:
        self._entries = [_entry(text) for text in entries]

    def allows(self, wanted: Destination) -> bool:
        """Tell whether the name and the port are listed."""
        return any(
            _matches(host, wanted.host)
            and (wanted.port == port or (port is None and wanted.port in _USUAL_PORTS))
            for host, port in self._entries
        )

    def names_exactly(self, wanted: Destination) -> bool:
        """Tell whether the operator wrote down this very host and port: then it may be an inner one."""
        return (wanted.host, wanted.port) in self._entries


class EgressLog:
    """One line of JSON for each call; a full log is kept once under another name.

    Parameters
    ----------
    path
        In the platform's own folder of the box.
    """

    def __init__(self, *, path: str) -> None:
        self._path = path

    def write(
        self, wanted: Destination, *, allowed: bool, reason: str = "", sent: int = 0, received: int = 0
    ) -> None:
        """Write down one call."""
        line = {
            "time": round(time.time(), 3),
            "host": wanted.host,
            "port": wanted.port,
            "allowed": allowed,
            "reason": reason,
            "sent": sent,
            "received": received,
        }
        with open(self._path, "a", encoding="utf-8") as file:  # noqa: PTH123  # the shim imports little
            file.write(json.dumps(line) + "\n")
            if file.tell() > _LARGEST_LOG:
                os.replace(self._path, f"{self._path}.1")  # noqa: PTH105  # as above


class EgressProxy:
    """Carries the calls of one box to the hosts that it may reach.

    Parameters
    ----------
    allowed
        Those hosts.
    log
        What was called, allowed or not.
    """

    def __init__(self, *, allowed: AllowedHosts, log: EgressLog) -> None:
        self._allowed = allowed
        self._log = log

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one CONNECT or one plain HTTP request.

        Raises
        ------
        BadRequest
            It is malformed, not allowed, or the host does not answer.
        """
        async with asyncio.timeout(_HEAD_WITHIN):
            head = await read_head(reader)
        if head is None:
            return
        tunnel = head.method == "CONNECT"
        wanted = _authority(head.target, None) if tunnel else _destination(head.target)
        far = await self._reach(wanted)
        sent = received = 0
        try:
            if tunnel:
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                sent, received = await join((reader, writer), far)
            else:
                sent, received = await _forward(head, wanted, (reader, writer), far)
        finally:
            await close(far[1])
            self._log.write(wanted, allowed=True, sent=sent, received=received)

    async def _reach(self, wanted: Destination) -> Streams:
        try:
            return await self._connect(wanted)
        except BadRequest as error:
            self._log.write(wanted, allowed=False, reason=str(error))
            raise
        except (OSError, TimeoutError, UnicodeError) as error:
            self._log.write(wanted, allowed=True, reason=str(error) or "no answer in time")
            raise BadRequest(502, f"{wanted.host}:{wanted.port} cannot be reached") from None

    async def _connect(self, wanted: Destination) -> Streams:
        """Connect to an address that was looked at: the name is resolved once, and here."""
        if not self._allowed.allows(wanted):
            raise BadRequest(403, f"this AVI may not reach {wanted.host}:{wanted.port}")
        async with asyncio.timeout(_CONNECT_WITHIN):
            loop = asyncio.get_running_loop()
            found = await loop.getaddrinfo(wanted.host, wanted.port, type=socket.SOCK_STREAM)
            addresses = [str(one[4][0]) for one in found]
            if not self._allowed.names_exactly(wanted):
                addresses = [text for text in addresses if is_public(text)]
            if not addresses:
                raise BadRequest(403, f"{wanted.host} leads to an inner address, which no AVI may reach")
            for address in addresses[:-1]:
                try:
                    return await asyncio.open_connection(address, wanted.port, limit=LARGEST_HEAD)
                except OSError:
                    continue
            return await asyncio.open_connection(addresses[-1], wanted.port, limit=LARGEST_HEAD)


def is_public(text: str) -> bool:
    """Tell whether an address is one of the open internet: not of this machine, its network or its cloud."""
    address: Address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if inner is None and address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
    return address.is_global and not address.is_multicast


async def _forward(head: Head, wanted: Destination, near: Streams, far: Streams) -> tuple[int, int]:
    parts = urlsplit(head.target)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    usual = wanted.port == 80  # noqa: PLR2004  # the port that a Host header leaves out
    raw = head.passed_on(host=wanted.host if usual else f"{wanted.host}:{wanted.port}", target=target)
    far[1].write(raw)
    asking = asyncio.ensure_future(copy_body(near[0], far[1], head.length))
    try:
        received = await pump(far[0], near[1])
    finally:
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
    return len(raw) + (head.length or 0), received


def _destination(target: str) -> Destination:
    if not target.startswith("http://"):
        raise BadRequest(400, "this is a proxy: ask for http://host/ or use CONNECT")
    return _authority(target[len("http://") :].partition("/")[0].partition("?")[0], 80)


def _authority(text: str, usual: int | None) -> Destination:
    host, _, port = text.rpartition(":") if re.search(r":[0-9]+$", text) else (text, "", str(usual or ""))
    host = host.removeprefix("[").removesuffix("]").lower().removesuffix(".")
    if not port.isdecimal() or not 0 < int(port) < 65536 or not (_NAME.fullmatch(host) or _is_address(host)):  # noqa: PLR2004
        raise BadRequest(400, "the address of the host is malformed")
    return Destination(host=host, port=int(port))


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _entry(text: str) -> tuple[str, int | None]:
    found = re.fullmatch(r"(.*?)(?::([0-9]+))?", text.strip().lower()) if text.count(":") < 2 else None  # noqa: PLR2004
    if found is None:
        found = re.fullmatch(r"\[(.*)\](?::([0-9]+))?", text.strip().lower())
    host, port = found.groups() if found else (text, None)
    return host, int(port) if port else None


def _matches(pattern: str, host: str) -> bool:
    if pattern.startswith("*."):
        return host.endswith(pattern[1:]) and not _is_address(host)
    return host == pattern
