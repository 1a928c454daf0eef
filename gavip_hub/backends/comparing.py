"""Two files that strangers made are compared in a program of its own: on copies, in a sandbox where this machine has one."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from gavip_hub.backends.previewing import walls
from gavip_hub.trees import remove_path

LARGEST = 64 * 1024 * 1024
"""Bytes of a file of which more than its digest is compared."""
SECONDS = 600.0
LONGEST_WORDS = 500
TOO_LARGE = "its bytes are others, and it is too large to be compared by value"
LONGEST_ANSWER = 64 * 1024
"""Bytes of what the program says of one pair."""
_SEEN, _SCRATCH = Path("/comparing"), Path("/tmp")  # noqa: S108 - within walls, where nobody else is
NOT_COMPARED = "its bytes are others, and comparing them by value took too much time or memory"
Pair = tuple[BinaryIO, BinaryIO]


class Comparer:
    """Compares files by what people would call their contents.

    Parameters
    ----------
    root
        The data root; copies are made aside in it, for the program may read no file of a user's space.
    bwrap
        The bubblewrap that works here; None: the program's own limits are all.
    """

    def __init__(self, *, root: Path, bwrap: Path | None) -> None:
        self._place = root / "aside" / "comparing"
        self._bwrap = bwrap
        remove_path(self._place)  # what a kill left there

    def difference(self, name: str, pair: Pair) -> str:
        """Return how two files of other bytes differ, in words: empty where both mean the same."""
        # One by one: a file that breaks the program costs no other its answer.
        if max(map(_size, pair)) > LARGEST:
            return TOO_LARGE
        with self._room() as room:
            for folder, file in zip(("before", "after"), pair, strict=True):
                (room / folder).mkdir()
                with (room / folder / name).open("wb") as copy:
                    shutil.copyfileobj(file, copy)
            scratch = _SCRATCH if self._bwrap else room
            return _answer(self._command(room), room, scratch).get(name, NOT_COMPARED)

    def _command(self, room: Path) -> list[str]:
        """Return the call; within walls the program sees the two copies, read-only, and no other file of anybody."""
        seen = _SEEN if self._bwrap else room
        around = walls(self._bwrap, shown={room: _SEEN}, scratch=2 * LARGEST) if self._bwrap else []
        program = [sys.executable, "-I", "-m", "avi_kernel.checking.compare"]
        return [*around, *program, str(seen / "before"), str(seen / "after")]

    @contextmanager
    def _room(self) -> Iterator[Path]:
        for folder in (self._place.parent, self._place):
            folder.mkdir(mode=0o700, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._place, ignore_cleanup_errors=True) as room:
            yield Path(room)


def _size(file: BinaryIO) -> int:
    return os.fstat(file.fileno()).st_size


def _answer(call: list[str], room: Path, scratch: Path) -> dict[str, str]:
    """Ask the program; nothing where it was ended, or says what nobody understands."""
    environment = {"PATH": os.defpath, "HOME": "/nonexistent", "LANG": "C.UTF-8"}
    environment |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    environment["TMPDIR"] = str(scratch)
    try:
        # Into a file, whose size is bounded: what speaks without end would fill this process's own memory.
        with tempfile.TemporaryFile(dir=room) as said:
            done = subprocess.run(
                call,
                check=False,
                stdout=said,
                stderr=subprocess.DEVNULL,
                timeout=SECONDS,
                cwd=room,
                env=environment,
            )
            said.seek(0)
            words = said.read(LONGEST_ANSWER + 1)
        is_answer = done.returncode == 0 and len(words) <= LONGEST_ANSWER
        found = json.loads(words) if is_answer else {}
    except (subprocess.TimeoutExpired, ValueError, RecursionError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {str(name): _words(words) for name, words in found.items() if isinstance(words, str)}


def _words(words: str) -> str:
    plain = "".join(char if char.isprintable() else " " for char in words)
    return plain[:LONGEST_WORDS].encode("utf-8", "replace").decode()
