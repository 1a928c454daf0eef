"""What the loop has to look at: each item once, by one consumer at a time, later and later while it fails."""

import asyncio

from gavip_hub.clock import Clock


class WorkQueue:
    """A queue of names that merges duplicates.

    An item that is put while a consumer has it comes once more when that consumer is done: nothing that happened in
    the meantime is missed, and no two consumers ever work on one item.

    Parameters
    ----------
    first, most
        Seconds of the first and of the longest wait after a failure; the wait doubles in between.
    """

    def __init__(self, *, clock: Clock, first: float = 0.1, most: float = 30.0) -> None:
        self._clock = clock
        self._first = first
        self._most = most
        self._ready: asyncio.Queue[str] = asyncio.Queue()
        self._queued: set[str] = set()
        self._active: set[str] = set()
        self._again: set[str] = set()
        self._failures: dict[str, int] = {}
        self._timers: dict[str, asyncio.Task[None]] = {}

    def put(self, item: str) -> None:
        """Have an item looked at as soon as a consumer is free; only from the event loop's own thread."""
        if item in self._active:
            self._again.add(item)
        elif item not in self._queued:
            self._queued.add(item)
            self._ready.put_nowait(item)

    def put_unless_scheduled(self, item: str) -> None:
        """Have an item looked at, unless its time to be looked at is set already."""
        if item not in self._timers:
            self.put(item)

    def put_after(self, item: str, seconds: float) -> None:
        """Have an item looked at later; a newer wish replaces an older one."""
        self._forget_timer(item)
        self._timers[item] = asyncio.create_task(self._put_later(item, seconds))

    def retry(self, item: str) -> None:
        """Have an item looked at later, and ever later while this goes on."""
        failures = self._failures.get(item, 0)
        self._failures[item] = failures + 1
        self.put_after(item, min(self._most, self._first * 2 ** min(failures, 20)))

    def forget(self, item: str) -> None:
        """Begin the count of failures anew: the item went well."""
        self._failures.pop(item, None)

    def drop(self, item: str) -> None:
        """Forget that the item was put while its consumer has it: it is known not to need another look."""
        self._again.discard(item)

    async def get(self) -> str:
        """Wait for an item; its consumer must call `done` with it."""
        item = await self._ready.get()
        self._queued.discard(item)
        self._active.add(item)
        return item

    def done(self, item: str) -> None:
        """Let others have the item again."""
        self._active.discard(item)
        if item in self._again:
            self._again.discard(item)
            self.put(item)

    def close(self) -> None:
        """End all timers."""
        for item in list(self._timers):
            self._forget_timer(item)

    async def _put_later(self, item: str, seconds: float) -> None:
        await self._clock.sleep(seconds)
        self._timers.pop(item, None)
        self.put(item)

    def _forget_timer(self, item: str) -> None:
        timer = self._timers.pop(item, None)
        if timer is not None:
            timer.cancel()
