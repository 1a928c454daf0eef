"""Memory of a box where no control group keeps it: looked at, and ended when it is too much.

A fast box takes more between two looks; so this stands in for a limit and does not count as one.
"""

import asyncio
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from avi_kernel.box.accounts import MB

BETWEEN_LOOKS = 0.5
_IN_MEMORY = ("/tmp", "/dev/shm")  # noqa: S108  # looked at as the box sees them
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
        """Return what it holds now; pages that several processes share are counted once, programs' files never."""
        pids = list(_tree(self._root))
        shared = sum(_shared_bytes(pid) for pid in pids)
        # A file in memory that is mapped stands in both counts: the greater is never more than what is held.
        return (sum(_private_bytes(pid) for pid in pids) + max(shared, _file_bytes(pids))) / MB


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


def _shared_bytes(pid: int) -> int:
    """Return this process's part of the memory without a file that it shares; all of it on kernels before 5.4."""
    return _kilobytes(f"/proc/{pid}/smaps_rollup", "Pss_Shmem:") or _kilobytes(
        f"/proc/{pid}/status", "RssShmem:"
    )


def _kilobytes(path: str, name: str) -> int:
    try:
        words = Path(path).read_text().split()
        return int(words[words.index(name) + 1]) * 1024
    except (OSError, ValueError):
        return 0


def _file_bytes(pids: Iterable[int]) -> int:
    """Return what lies in the box's own file systems in memory, each counted once; without walls it has none."""
    ours = {Path(folder).stat().st_dev for folder in _IN_MEMORY if Path(folder).exists()}
    held: dict[int, int] = {}
    for place in (Path(f"/proc/{pid}/root{folder}") for pid in pids for folder in _IN_MEMORY):
        with suppress(OSError):
            if (device := place.stat().st_dev) not in ours | held.keys():
                found = os.statvfs(place)
                held[device] = (found.f_blocks - found.f_bfree) * found.f_frsize
    return sum(held.values())
