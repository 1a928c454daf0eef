"""Whom an AVI calls while it is checked: told by a proxy that lets out what a box would, and by a hook in its Pythons."""

import asyncio
import json
import socket
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from typing_extensions import override

from avi_kernel.box.egress import EgressLog, EgressProxy, Streams
from avi_kernel.box.heads import LARGEST_HEAD, BadRequest
from avi_kernel.box.serving import close, serve
from avi_kernel.protocol.called import is_declared
from avi_kernel.protocol.hosts import AllowedHosts, Destination
from avi_kernel.protocol.scorecard import HostCall

_LARGEST_NOTES = 4 * 1024 * 1024
_CONNECT_WITHIN = 30.0
_MOST_PORT = 65535


class PassingOn(EgressProxy):
    """Lets out what is declared, by way of the proxy of the box that the check itself runs in.

    Parameters
    ----------
    upstream
        That proxy, as `http://host:port`; None: there is no box, and nobody else in between.
    """

    def __init__(self, *, allowed: AllowedHosts, log: EgressLog, upstream: str | None) -> None:
        super().__init__(allowed=allowed, log=log)
        self._declared = allowed
        self._upstream = urlsplit(upstream) if upstream else None

    @override
    async def connect(self, wanted: Destination) -> Streams:
        """Connect to a host that is declared; one that is not is asked for too, so that the box's own record has it."""
        if self._upstream is None:
            return await super().connect(wanted)
        found = await self._asked(self._upstream.hostname or "", self._upstream.port or 0, wanted)
        if not self._declared.allows(wanted):
            await close(found[1])
            return await super().connect(wanted)  # refuses it
        return found

    async def _asked(self, host: str, port: int, wanted: Destination) -> Streams:
        async with asyncio.timeout(_CONNECT_WITHIN):
            reader, writer = await asyncio.open_connection(host, port, limit=LARGEST_HEAD)
            target = f"[{wanted.host}]" if ":" in wanted.host else wanted.host
            writer.write(
                f"CONNECT {target}:{wanted.port} HTTP/1.1\r\nHost: {target}:{wanted.port}\r\n\r\n".encode()
            )
            answer = await reader.readuntil(b"\r\n\r\n")
        if b" 200 " not in answer.split(b"\r\n", 1)[0] + b" ":
            await close(writer)
            raise BadRequest(403, f"the platform lets nothing through to {wanted.host}:{wanted.port}")
        return reader, writer


class Calls:
    """The calls of one check.

    Parameters
    ----------
    folder
        Where they are noted.
    declared
        Hosts that the AVI may call: those of its `avi.toml`, and the archive's.
    upstream
        Proxy of the box around the check, if there is one.
    """

    def __init__(self, *, folder: Path, declared: list[str], upstream: str | None) -> None:
        folder.mkdir(parents=True)
        self._declared = AllowedHosts(declared)
        self._log = folder / "proxy.log"
        self.notes = folder / "notes.log"
        """File in which the hook writes."""
        self._proxy = PassingOn(allowed=self._declared, log=EgressLog(path=str(self._log)), upstream=upstream)
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await serve(_listening(), self._proxy.handle)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server:
            self._server.close()

    @property
    def address(self) -> str:
        """Where the proxy listens."""
        port = self._server.sockets[0].getsockname()[1] if self._server else 0
        return f"http://127.0.0.1:{port}"

    def so_far(self) -> list[HostCall]:
        """Return each host and port that was called, the undeclared first."""
        counted: Counter[tuple[str, int]] = Counter()
        for line in _lines(self._log):
            with suppress(
                ValueError, KeyError, TypeError, AttributeError
            ):  # it lies where the AVI's code may write, too
                called = json.loads(line)
                if not called.get("ends"):
                    counted[str(called["host"]), min(int(called["port"]), _MOST_PORT)] += 1
        for line in _lines(self.notes):
            port, _, host = line.partition(" ")
            if host and port.isdigit():
                counted[host, min(int(port), _MOST_PORT)] += 1
        found = [
            HostCall(host=host, port=port, declared=is_declared(self._declared, host, port), times=times)
            for (host, port), times in counted.items()
        ]
        return sorted(found, key=lambda call: (call.declared, call.host, call.port))

    def undeclared(self) -> int:
        """Return how many calls went to hosts that are not declared."""
        return sum(call.times for call in self.so_far() if not call.declared)


def _listening() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0), backlog=64)


def _lines(file: Path) -> list[str]:
    """Return the lines of a file that the AVI's own code may have written to."""
    if not file.is_file():
        return []
    with file.open("rb") as opened:
        return opened.read(_LARGEST_NOTES).decode("utf-8", "replace").splitlines()
