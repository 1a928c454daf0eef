"""Where time comes from, so that tests can move it."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol

from typing_extensions import override


class Clock(Protocol):
    """Tells the time and waits."""

    def now(self) -> datetime:
        """Return the time, in UTC and aware of it; callable from any thread."""
        ...

    def monotonic(self) -> float:
        """Return seconds since some moment, which only ever grow: for how long something lasts, whatever `now` says."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return once that much of this clock's time has passed."""
        ...


class SystemClock(Clock):
    """The machine's own time."""

    @override
    def now(self) -> datetime:
        return datetime.now(UTC)

    @override
    def monotonic(self) -> float:
        return time.monotonic()

    @override
    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
