"""Memory of a box where no control group keeps it: looked at, and ended when it is too much.

A fast box takes more between two looks; so this stands in for a limit and does not count as one.
"""

import asyncio
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from avi_kernel.box.limits import MB

BETWEEN_LOOKS = 0.5
_PAGE = os.sysconf("SC_PAGE_SIZE")


class MemoryWatch:
    """The memory that a tree of processes holds for itself.

    Parameters
    ----------
    root
        Number of its first process.
    limit_mb
        What it may hold.
    """

    def __init__(self, *, root: int, limit_mb: int) -> None:
        self._root = root
        self._limit_mb = limit_mb
        self.peak_mb = 0.0

    async def exceeded(self) -> None:
        """Return once it holds more than it may."""
        while True:
            self.peak_mb = max(self.peak_mb, self.held_mb())
            if self.peak_mb > self._limit_mb:
                return
            await asyncio.sleep(BETWEEN_LOOKS)

    def held_mb(self) -> float:
        """Return what it holds now; pages that several processes share are left out."""
        return sum(_private_bytes(pid) for pid in _tree(self._root)) / MB


def _tree(pid: int) -> Iterator[int]:
    yield pid
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                yield from _tree(int(child))


def _private_bytes(pid: int) -> int:
    try:
        fields = Path(f"/proc/{pid}/statm").read_text().split()
    except OSError:
        return 0
    return (int(fields[1]) - int(fields[2])) * _PAGE
