"""What a job's kernel prints: all of it goes to the job's log, and the beginning of each cell's into its notebook."""

import os
import threading
from typing import Any

from ipykernel.iostream import OutStream
from typing_extensions import override

KEPT_OF_A_CELL = 1_000_000
"""Characters of each of its two streams: a notebook that holds more cannot be read, nor held in memory by its runner."""
LEFT_OUT = "\n[This cell prints more than a notebook keeps: all of it goes to the job's log.]\n"
_PIECE = 65536


class CellStream(OutStream):
    """A kernel's standard output or error.

    Text is written to the log at once, which waits for a slow reader, and never piles up on its way.
    """

    _cell = ""
    _left = KEPT_OF_A_CELL
    _told = False

    def __init__(self, session: Any, pub_thread: Any, name: str, **options: Any) -> None:
        # Before the library puts a pipe in its place, where it does so: not on every system, nor below pytest.
        self._renew_lock()
        os.register_at_fork(after_in_child=self._renew_lock)  # another thread may have held it just then
        self._log = os.dup({"stdout": 1, "stderr": 2}[name])
        super().__init__(session, pub_thread, name, **options)  # type: ignore[no-untyped-call]

    def _renew_lock(self) -> None:
        self._counting = threading.Lock()

    @override
    def set_parent(self, parent: dict[str, Any]) -> None:
        """Begin anew with each cell; what the kernel itself says before the first is of no interest to anybody."""
        super().set_parent(parent)  # type: ignore[no-untyped-call]
        header = parent.get("header", {})
        if header.get("msg_type") == "execute_request" and header["msg_id"] != self._cell:
            with self._counting:
                self._cell, self._left, self._told = header["msg_id"], KEPT_OF_A_CELL, False

    @override
    def write(self, string: str) -> int:
        """Print."""
        kept, is_first = self._take(string)
        if kept:
            super().write(kept)
        if is_first:
            super().write(LEFT_OUT)
        if self._cell:
            _write_all(self._log, string.encode(errors="replace"))
        return len(string)

    def _take(self, string: str) -> tuple[str, bool]:
        """Return what of this a notebook keeps, and whether it is the first of its cell of which something is left out.

        The cell prints in one thread, and what its children print comes by another.
        """
        with self._counting:
            kept = string[: max(0, self._left)]
            self._left -= len(kept)
            is_first = len(kept) < len(string) and not self._told
            self._told = self._told or is_first
        return kept, is_first

    @override
    def _watch_pipe_fd(self) -> None:
        """Take what libraries and children print past Python; the stock method would write it to the log a second time."""
        while self._fid is not None and (printed := os.read(self._fid, _PIECE)) and self._should_watch:
            self.write(printed.decode(errors="replace"))


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
