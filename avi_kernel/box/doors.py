"""The platform's side of one container: its two ways out, its log, and the socket at which its server is found."""

import asyncio
import os
import socket
from contextlib import suppress
from pathlib import Path

from avi_kernel.box.accounts import MB
from avi_kernel.box.disk import DiskWatch, watch_of
from avi_kernel.box.front import Front
from avi_kernel.box.heads import PIECE
from avi_kernel.box.log import BoxLog
from avi_kernel.box.serving import Handler, listen_privately, serve
from avi_kernel.box.spec import Spec
from avi_kernel.box.ways import ways_out

END_FILE, STOP_FILE = "end", "stop"
MOST = {"api": 64, "egress": 64, "log": 2}
"""Connections at once; a container may open them past its own first process."""
_FLOOD_PAUSE = 0.01  # once the log is full: the container waits, not the machine


class Doors:
    """What stands beside one container and answers it.

    Every socket is made here, in a folder that the container cannot write to: nothing of its own is ever listened on or
    waited for in a way that could hold up the doors of others.

    Parameters
    ----------
    spec
        The container.
    """

    def __init__(self, spec: Spec) -> None:
        self._spec = spec
        self._folder = Path(spec.socket_dir, "ways")
        self._front = Front(folder=spec.socket_dir)
        self._disk = watch_of(spec)
        self._log: BoxLog | None = None
        self._printing: set[asyncio.StreamWriter] = set()
        self._servers: list[asyncio.Server] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        """Listen; what stood here before, for the same container, is replaced."""
        if self._disk is not None:
            await self._disk.begin()  # before it can write: its program does not wait for what it prints
        self._log = self._new_log()  # who looks for it finds it from the first moment
        handlers: dict[str, Handler] = {**ways_out(self._spec), "log": self._write_down}
        for name, handler in handlers.items():
            self._servers.append(await serve(self._listen(name), handler, most=MOST[name]))

    async def close(self) -> None:
        """Stop answering."""
        for server in self._servers:
            server.close()
        for writer in self._printing:  # who prints goes to the doors that are opened next
            writer.close()
        self._lights_out()

    def _listen(self, name: str) -> socket.socket:
        path = self._folder / name
        path.unlink(missing_ok=True)
        listening = listen_privately(str(path))
        if self._spec.uid is not None and os.geteuid() == 0:
            os.chown(path, self._spec.uid, self._spec.uid)
        return listening

    async def _write_down(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take what the container prints; as long as this is connected, it lives."""
        log = self._log = self._log or self._new_log()
        if not self._printing:
            self._lights_on()
        self._printing.add(writer)
        if os.path.exists(f"{self._spec.run_dir}/{STOP_FILE}"):  # noqa: ASYNC240, PTH110  # once in its life
            # A signal that came before its first process listened for signals was not heard.
            writer.write(b"stopped\n")
        try:
            while data := await reader.read(PIECE):
                log.write(data)
                await asyncio.sleep(_FLOOD_PAUSE if log.full else 0)
        finally:
            self._printing.discard(writer)
            if not self._printing:
                self._lights_out()

    def _new_log(self) -> BoxLog:
        return BoxLog(path=self._spec.log_file, limit=self._spec.log_limit_mb * MB)

    def _lights_on(self) -> None:
        if self._spec.serves:
            self._tasks.append(asyncio.create_task(self._open_front()))
        if self._disk is not None:
            self._tasks.append(asyncio.create_task(self._watch_disk(self._disk)))

    def _lights_out(self) -> None:
        """The container has ended, or the doors close: its address leads nowhere from now on."""
        self._front.remove()
        for task in self._tasks:
            task.cancel()
        self._tasks.clear()
        if self._log is not None:
            self._log.close()
            self._log = None

    async def _open_front(self) -> None:
        self._front.remove()
        server = await serve(await self._front.open(), self._front.handle)
        try:
            await asyncio.Event().wait()
        finally:
            server.close()

    async def _watch_disk(self, watch: DiskWatch) -> None:
        run_dir = Path(self._spec.run_dir)
        word = f"too_much_written it wrote more than the {await watch.exceeded()} that it may"
        # Written down too: the container's own first process may be past listening.
        (run_dir / END_FILE).write_text(word)
        for writer in self._printing:
            with suppress(OSError):
                writer.write(f"{word}\n".encode())
