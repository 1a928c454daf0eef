"""The log of a box: what it prints, never more than its limit, the beginning and the end of it kept."""

import os
from collections import deque

MB = 1024 * 1024
_LARGEST_TAIL = 256 * 1024


class BoxLog:
    """A file that grows up to a limit; from then on the latest is kept in memory, and written at the end.

    Parameters
    ----------
    path
        New, or written by another until now; it may lie in a folder that the box can write to.
    limit
        Bytes.
    """

    def __init__(self, *, path: str, limit: int) -> None:
        # Append: a box that shortens the file may lose its own log and no more.
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        self._descriptor = os.open(path, flags, 0o644)
        self._tail_size = min(_LARGEST_TAIL, limit // 4)
        # Something may stand in it: who wrote it was ended, and another goes on.
        self._head_left = max(0, limit - self._tail_size - os.fstat(self._descriptor).st_size)
        self._tail: deque[bytes] = deque()
        self._tail_length = 0
        self._dropped = 0

    @property
    def full(self) -> bool:
        """Whether what comes now is no longer written at once."""
        return self._head_left == 0

    def write(self, data: bytes) -> None:
        """Take what the box printed; nothing once it is closed: its descriptor may be somebody else's then."""
        if self._descriptor < 0:
            return
        head, rest = data[: self._head_left], data[self._head_left :]
        if head:
            self._head_left -= len(head)
            self._put(head)
            if self.full:
                self._put(
                    b"\n[The log is full: from here on only its end is kept, and shown once this has ended.]\n"
                )
        if rest:
            self._tail.append(rest)
            self._tail_length += len(rest)
            while self._tail_length - len(self._tail[0]) >= self._tail_size:
                gone = self._tail.popleft()
                self._tail_length -= len(gone)
                self._dropped += len(gone)

    def latest(self, path: str, size: int = 2000) -> str:
        """Return the last characters that were written to `path`, for a message."""
        with open(path, "rb") as file:  # noqa: PTH123  # the shim imports no more than it must
            file.seek(max(0, os.fstat(file.fileno()).st_size - size))
            return file.read().decode(errors="replace").strip()

    def close(self) -> None:
        """Write the end that was kept, saying how much is missing before it."""
        tail = b"".join(self._tail)
        cut = max(0, len(tail) - self._tail_size)
        if self._descriptor < 0:
            return
        if tail:
            self._put(f"[{self._dropped + cut} bytes were cut here.]\n".encode() + tail[cut:])
        os.close(self._descriptor)
        self._descriptor = -1

    def _put(self, data: bytes) -> None:
        try:
            while data:
                data = data[os.write(self._descriptor, data) :]
        except OSError:
            # A full disk must end neither the box nor the record of its end.
            self._head_left = 0
