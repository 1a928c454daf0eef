"""The box's way to the rest of the world: a forward proxy that knows the AVI's hosts, and writes down every call."""

import asyncio
import json
import os
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from urllib.parse import urlsplit

from avi_kernel.box.heads import LARGEST_HEAD, BadRequest, Head, copy_body, pump, read_head
from avi_kernel.box.hosts import destination
from avi_kernel.box.serving import close, join
from avi_kernel.protocol.hosts import AllowedHosts, Destination

_HEAD_WITHIN = 60.0
_CONNECT_WITHIN = 30.0
_MOST_LOOK_UPS = 4
"""Of one box at once. Whoever answers for a name may take a minute, and must hold up nobody else's look-ups."""
_LARGEST_LOG = 16 * 1024 * 1024
_INNER = (
    "{wanted.host} leads to an inner address, which no AVI may reach unless the operator lists "
    "inner:{wanted.host}:{wanted.port}"
)

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class EgressLog:
    """One line of JSON for each call as it begins, and one as it ends; a full log is kept once under another name.

    A call is known from its first moment on: whoever keeps a connection open beyond the end of the box hides nothing.

    Parameters
    ----------
    path
        In the platform's own folder of the box.
    """

    def __init__(self, *, path: str) -> None:
        self._path = path

    def write(
        self,
        wanted: Destination,
        *,
        allowed: bool,
        reason: str = "",
        sent: int = 0,
        received: int = 0,
        ends: bool = False,
    ) -> None:
        """Write down one call, or that one ends which was written down."""
        line = {
            "time": round(time.time(), 3),
            "host": wanted.host,
            "port": wanted.port,
            "allowed": allowed,
            "reason": reason,
            "sent": sent,
            "received": received,
            "ends": ends,
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
        self._look_ups = ThreadPoolExecutor(_MOST_LOOK_UPS, thread_name_prefix="egress")

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
        wanted = destination(head.target, None) if tunnel else _destination(head.target)
        far = await self._reach(wanted)
        sent = received = 0
        try:
            self._log.write(wanted, allowed=True)  # before a byte passes
            if tunnel:
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                sent, received = await join((reader, writer), far)
            else:
                sent, received = await _forward(head, wanted, (reader, writer), far)
        finally:
            await close(far[1])
            self._log.write(wanted, allowed=True, sent=sent, received=received, ends=True)

    async def _reach(self, wanted: Destination) -> Streams:
        try:
            return await self.connect(wanted)
        except BadRequest as error:
            self._log.write(wanted, allowed=False, reason=str(error))
            raise
        except (OSError, TimeoutError, UnicodeError) as error:
            self._log.write(wanted, allowed=True, reason=str(error) or "no answer in time")
            raise BadRequest(502, f"{wanted.host}:{wanted.port} cannot be reached") from None

    async def connect(self, wanted: Destination) -> Streams:
        """Connect to an address that was looked at: the name is resolved once, and here."""
        if not self._allowed.allows(wanted):
            raise BadRequest(403, f"this AVI may not reach {wanted.host}:{wanted.port}")
        async with asyncio.timeout(_CONNECT_WITHIN):
            addresses = [text for text in await self._resolve(wanted) if self._allowed.admits(wanted, text)]
            if not addresses:
                raise BadRequest(403, _INNER.format(wanted=wanted))
            for address in addresses[:-1]:
                try:
                    return await asyncio.open_connection(address, wanted.port, limit=LARGEST_HEAD)
                except OSError:
                    continue
            return await asyncio.open_connection(addresses[-1], wanted.port, limit=LARGEST_HEAD)

    async def _resolve(self, wanted: Destination) -> list[str]:
        look_up = partial(socket.getaddrinfo, wanted.host, wanted.port, type=socket.SOCK_STREAM)
        found = await asyncio.get_running_loop().run_in_executor(self._look_ups, look_up)
        return [str(one[4][0]) for one in found]


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
    return destination(target[len("http://") :].partition("/")[0].partition("?")[0], 80)
