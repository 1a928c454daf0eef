"""Those who work on the items of the queue, many at a time."""

import asyncio
from collections.abc import Awaitable, Callable, Collection

from gavip_hub.clock import Clock
from gavip_hub.scheduler.workqueue import WorkQueue

PATIENCE = 5.0
"""Seconds that a step may take to end when all is to end."""


class Consumers:
    """Takes items from a queue; a step that has begun comes to its end: a launch left half-way would cost its job an attempt.

    Parameters
    ----------
    work
        Works on one item and raises nothing; returns for how many seconds to leave the item alone then.
    many
        Items that are worked on at the same time.
    """

    def __init__(
        self, *, queue: WorkQueue, work: Callable[[str], Awaitable[float]], clock: Clock, many: int
    ) -> None:
        self._queue = queue
        self._work = work
        self._clock = clock
        self._many = many
        self._at_work: set[asyncio.Task[None] | None] = set()
        self._ends = False

    async def run(self) -> None:
        """Work until cancelled."""
        tasks = [asyncio.create_task(self._consume()) for _ in range(self._many)]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            await self._end(tasks)

    async def _end(self, tasks: Collection[asyncio.Task[None]]) -> None:
        self._ends = True
        for task in tasks:
            if task not in self._at_work:
                task.cancel()
        _, late = await asyncio.wait(tasks, timeout=PATIENCE)
        for task in late:
            task.cancel()

    async def _consume(self) -> None:
        while not self._ends:
            item = await self._queue.get()
            rest = await self._work_on(item)
            if rest and not self._ends:
                await self._clock.sleep(rest)
            self._queue.done(item)

    async def _work_on(self, item: str) -> float:
        me = asyncio.current_task()
        self._at_work.add(me)
        try:
            return await self._work(item)
        finally:
            self._at_work.discard(me)
