"""What a box writes to disk: looked at, and ended when it is too much, for the disk holds other people's work too."""

import asyncio
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from avi_kernel.box.accounts import MB
from avi_kernel.box.spec import Spec

BETWEEN_LOOKS = 3.0
MOST_ENTRIES = 50_000
"""Files and folders that a box may have: to look at more would cost too much, and what is not seen is not counted."""
NOTE_FILE = "held-before"
"""In the platform's own folder of a box: what its folders held when it began."""
_BLOCK = 512  # the unit of st_blocks, whatever the file system's own
_AT_ONCE = 500  # entries between two moments in which the shim's other work goes on


class DiskWatch:
    """By how much the folders of a box have grown.

    Parameters
    ----------
    folders
        Those that it may write to.
    limit_mb
        By how much they may grow together.
    note
        File in which it is kept what they held at first: who looks may be ended and started anew, and the limit does not
        begin anew with it.
    """

    def __init__(self, *, folders: Sequence[str], limit_mb: int, note: Path) -> None:
        self._folders = folders
        self._limit = limit_mb * MB
        self._note = note
        self._before: int | None = None
        self._has_begun = False

    async def begin(self) -> int | None:
        """Note what they hold, before anybody writes; return it, or None where there are too many files to tell."""
        if not self._has_begun:
            self._before = await self._held_before()
            self._has_begun = True
        return self._before

    async def _held_before(self) -> int | None:
        with suppress(OSError, ValueError):
            noted: int | None = json.loads(self._note.read_text())
            return noted
        held = await self.held()
        with suppress(OSError):  # a full disk is no reason not to look
            self._note.write_text(json.dumps(held))
        return held

    async def exceeded(self) -> str:
        """Return, in words, by what they have grown too much: by bytes, or to more files than can be looked at."""
        before = await self.begin()
        while before is None:  # its user had so many already, and it cannot be told what is new
            await asyncio.Event().wait()
        allowed = before + self._limit
        while (held := await self.held()) is not None and held <= allowed:  # noqa: ASYNC110  # nothing announces it
            await asyncio.sleep(BETWEEN_LOOKS)
        return f"{MOST_ENTRIES} files" if held is None else f"{self._limit // MB} MB"

    async def held(self) -> int | None:
        """Return the bytes that the files in them take, holes left out; None where there are too many files."""
        total = 0
        for number, entry in enumerate(_entries(self._folders)):
            if number == MOST_ENTRIES:
                return None
            with suppress(OSError):  # gone since it was listed
                total += entry.stat(follow_symlinks=False).st_blocks * _BLOCK
            if number % _AT_ONCE == 0:
                await asyncio.sleep(0)
        return total


def watch_of(spec: Spec) -> DiskWatch | None:
    """Return who looks at what a box writes, if that is limited."""
    if spec.written_mb is None:
        return None
    note = Path(spec.run_dir) / NOTE_FILE
    return DiskWatch(folders=spec.written_dirs, limit_mb=spec.written_mb, note=note)


def _entries(folders: Sequence[str]) -> Iterator[os.DirEntry[str]]:
    """Walk without recursion: how deep folders are nested is the stranger's choice."""
    waiting = list(folders)
    while waiting:
        with suppress(OSError), os.scandir(waiting.pop()) as listed:
            for entry in listed:
                yield entry
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
