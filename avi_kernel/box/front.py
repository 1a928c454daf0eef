"""The socket at which the platform finds a box's server, outside of what the box can write to."""

import asyncio
import fcntl
import os
import socket
import stat
from contextlib import suppress

from avi_kernel.box.heads import PIECE
from avi_kernel.box.serving import close, join, listen_privately

_BETWEEN_LOOKS = 0.02


class Front:
    """Joins `<folder>/s.sock` to the socket that the server opens in `<folder>/box`.

    The proxy never follows a path that a stranger can change: a link in place of its socket would lead the
    platform's own process to any other socket of the machine.

    Parameters
    ----------
    folder
        The box's socket folder.
    """

    def __init__(self, *, folder: str) -> None:
        self._folder = folder
        self._inner = f"{folder}/box/s.sock"
        self._outer = f"{folder}/s.sock"
        self._lock: int | None = None

    async def open(self) -> socket.socket:
        """Wait until the server answers, then listen: who finds the socket finds a server behind it."""
        while True:
            try:
                _, writer = await self._reach()
            except OSError:
                await asyncio.sleep(_BETWEEN_LOOKS)
                continue
            await close(writer)
            break
        # What clears /tmp of old files leaves a folder alone that is locked.
        self._lock = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        fcntl.flock(self._lock, fcntl.LOCK_SH)
        return listen_privately(self._outer)

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Join one connection to the server."""
        far = await self._reach()
        try:
            await join((reader, writer), far)
        finally:
            await close(far[1])

    def remove(self) -> None:
        """Take the socket away: the address of a stopped server leads nowhere."""
        with suppress(FileNotFoundError):
            os.unlink(self._outer)  # noqa: PTH108  # the shim imports little
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    async def _reach(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect to the very file that was looked at, and only to a socket."""
        descriptor = os.open(self._inner, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                raise ConnectionRefusedError(f"{self._inner} is no socket")
            return await asyncio.open_unix_connection(f"/proc/self/fd/{descriptor}", limit=PIECE)
        finally:
            os.close(descriptor)
