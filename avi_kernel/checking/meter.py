"""How much memory a tree of processes holds at most, counted as the shim of a box counts it."""

import asyncio
from pathlib import Path
from types import TracebackType
from typing import Self

from avi_kernel.box.watch import MemoryWatch

BETWEEN_LOOKS = 0.1
"""Seconds: small runs are over soon."""
_NO_LIMIT = 10**9


class Meter:
    """Looks at the memory of a process and of all that it starts, for as long as the context lasts.

    Parameters
    ----------
    root
        Number of that process.
    """

    def __init__(self, root: int) -> None:
        self._watch = MemoryWatch(root=root, limit_mb=_NO_LIMIT)
        self._looking: asyncio.Task[None] | None = None
        self.peak_mb = 0.0

    @property
    def measured_mb(self) -> float | None:
        """The most that was held at once; None where this system does not tell."""
        return round(self.peak_mb, 1) if self.peak_mb and Path("/proc/self/statm").exists() else None

    async def __aenter__(self) -> Self:
        self._looking = asyncio.create_task(self._look())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._looking:
            self._looking.cancel()

    async def _look(self) -> None:
        while True:
            self.peak_mb = max(self.peak_mb, self._watch.held_mb())
            await asyncio.sleep(BETWEEN_LOOKS)
