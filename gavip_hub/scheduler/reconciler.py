"""Walks one job from what is to what is wanted, one step a call."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from enum import Enum
from functools import partial
from typing import Any

from avi_kernel.protocol.boxes import ExitRecord
from gavip_hub.backends.base import Handle, JobBackend, Liveness, Observation, State
from gavip_hub.clock import Clock
from gavip_hub.domain.ending import TIME_LIMIT, End
from gavip_hub.domain.job import CHECK, FINAL, JobState
from gavip_hub.domain.waits import Told
from gavip_hub.exceptions import DatabaseAway, DiskFull, GavipError
from gavip_hub.logs import REQUEST
from gavip_hub.scheduler.gathered import Gathered
from gavip_hub.scheduler.remains import Remains
from gavip_hub.scheduler.specs import JobSpecs
from gavip_hub.services.claims import LaunchOrder
from gavip_hub.services.endings import Ending
from gavip_hub.services.lifecycle import JobLifecycle, Started
from gavip_hub.services.sightings import Sightings
from gavip_hub.storage.jobs import Standing
from gavip_hub.threads import Threads

LAUNCH_LIMIT = 300.0
"""Seconds that a container may be starting."""
LINGER_LIMIT = 30.0
"""Seconds that a container may stay after its runner reported the end."""
OVERTIME = 15.0
"""Seconds by which the loop is later than a box itself, which keeps its time limit."""
SAVE_AGAIN = 1.0
"""Seconds between two tries to keep what is known of a container, while the database is away."""
GONE = (Liveness.EXITED, Liveness.LOST)
SILENT = "It has not reported for a while; its container still runs."
INTERRUPTED = "The service was restarted while the job's container was being started."

log = logging.getLogger(__name__)


class Again(Enum):
    """When a job is to be looked at again, apart from the loop's own ticks."""

    DONE = "done"
    NEVER = "never"
    """It has ended and nothing of it is left: the news of that is no reason to look."""
    NOW = "now"
    RETRY = "retry"
    """Later and later."""


class Reconciler:
    """Takes the steps of jobs; it remembers the orders it has not begun to launch, and for how long what is.

    Parameters
    ----------
    silence
        How long a job may be silent before its owner is told.
    """

    def __init__(
        self,
        *,
        lifecycle: JobLifecycle,
        backend: JobBackend,
        specs: JobSpecs,
        remains: Remains,
        clock: Clock,
        database_threads: Threads,
        file_threads: Threads,
        silence: timedelta,
    ) -> None:
        self._lifecycle = lifecycle
        self._backend = backend
        self._specs = specs
        self._remains = remains
        self._database = database_threads
        self._files = file_threads
        self._standing = Gathered(lifecycle.standings, threads=database_threads)
        self._uncleared = Gathered(lifecycle.uncleared, threads=database_threads)
        # Two that write would wait for one another in the database, each with fewer jobs.
        writing = partial(Gathered, threads=database_threads, turn=asyncio.Lock())
        self._save_state = writing(lifecycle.save_backend_states)
        self._mark_running = writing(_answered(lifecycle.mark_running))
        self._finish = writing(lifecycle.finish)
        self._mark_cleared = writing(_answered(lifecycle.mark_cleared))
        self._launches = asyncio.Semaphore(backend.launches_at_once)
        self._silence = silence.total_seconds()
        self._clock = clock
        self._sightings = Sightings(clock=clock)
        self._orders: dict[str, LaunchOrder] = {}
        self._claimed: set[str] = set()
        self._unstored: set[str] = set()

    def expect(self, job: str) -> None:
        """Take no step of a job that is being claimed: its new state is seen before its order is here."""
        self._claimed.add(job)

    def accept(self, job: str, order: LaunchOrder | None) -> None:
        """Keep an order until the next step of its job; its token is nowhere else. None: it was not to be had."""
        self._claimed.discard(job)
        if order:
            self._orders[job] = order

    async def step(self, job: str) -> Again:
        """Take one step of a job."""
        standing = await self._standing(job)
        if standing is None or (standing.state is JobState.LAUNCHING and job in self._claimed):
            return Again.DONE  # whoever claims it asks for the next step
        order = self._order_for(standing)
        REQUEST.set(standing.request)  # for the lines of this step
        match standing.state:
            case JobState.LAUNCHING if order and order.attempt == standing.attempt:
                async with self._launches:
                    return await self._launch(standing, order)
            case JobState.LAUNCHING:
                return await self._watch_launch(standing)
            case JobState.RUNNING:
                return await self._watch(standing)
            case JobState.STOPPING:
                return await self._stop(standing)
            case _:
                return await self._clear(standing)

    async def unstored(self) -> list[str]:
        """Return the jobs that ended and whose folders have not found their final place."""
        names = await self._files(self._remains.unstored)
        self._unstored = set(await self._database(self._lifecycle.ended, names) if names else [])
        return sorted(self._unstored)

    def wants_a_step(self, standing: Standing, seen: Observation) -> bool:
        """Tell whether what was seen of a job's container is reason to take a step."""
        steady = standing.state is JobState.RUNNING and seen.liveness is Liveness.RUNNING
        return not steady or self._overdue(standing) or self._silent(standing) or standing.outcome is not None

    def _order_for(self, standing: Standing) -> LaunchOrder | None:
        """Return the order of a job's attempt, which is carried out once; one that is newer than the look is kept."""
        order = self._orders.get(standing.job)
        if order is None or order.attempt > standing.attempt:
            return None
        return self._orders.pop(standing.job)

    async def _launch(self, standing: Standing, order: LaunchOrder) -> Again:
        try:
            spec = await self._files(self._specs.spec_for, order)
            async with _closed_afterwards(self._backend.start(spec)) as states:
                async for state in states:
                    if not await self._save(order, state):
                        return Again.NOW
                    standing = standing._replace(backend_state=state)
        except (GavipError, OSError) as error:
            log.warning("%s could not be started: %s", order.name, error)
            return await self._give_up(standing, f"Its container could not be started: {error}.")
        return await self._watch_launch(standing)

    async def _save(self, order: LaunchOrder, state: State) -> bool:
        """Keep a state; a database that is away is waited for, since giving up would cost the job an attempt."""
        while True:
            try:
                return await self._save_state(Started(order.job, order.attempt, state))
            except (DatabaseAway, DiskFull):
                await self._clock.sleep(SAVE_AGAIN)

    async def _give_up(self, standing: Standing, failure: str) -> Again:
        """End an attempt whose start went wrong, but only once nothing of it lives."""
        await self._backend.stop(_handle(standing))
        seen = await self._look(standing)
        if seen.liveness not in GONE:
            return Again.RETRY
        return await self._collect(standing, seen.exit, failure=failure)

    async def _watch_launch(self, standing: Standing) -> Again:
        seen = await self._look(standing)
        if seen.liveness is Liveness.RUNNING:
            self._overdue(standing)  # from now on its time counts
            await self._mark_running((standing.job, standing.attempt))
            return Again.DONE
        if seen.liveness is Liveness.EXITED:
            return await self._collect(standing, seen.exit)
        if seen.liveness is Liveness.LOST:
            return await self._give_up(standing, "" if standing.backend_state else INTERRUPTED)
        if self._sightings.age(standing.name, "launched", standing.launched_at) > LAUNCH_LIMIT:
            return await self._give_up(standing, "Its container took too long to start.")
        return Again.RETRY

    async def _watch(self, standing: Standing) -> Again:
        seen = await self._look(standing)
        if seen.liveness in GONE:
            return await self._collect(standing, seen.exit)
        if self._overdue(standing):
            await self._database(self._lifecycle.begin_stop, standing.job, standing.attempt, TIME_LIMIT)
            return Again.NOW
        if standing.outcome is not None:
            await self._end_if_it_lingers(standing)
            return Again.RETRY
        if self._silent(standing):
            await self._database(self._lifecycle.set_reasons, {standing.job: Told(SILENT)})
        return Again.DONE

    async def _stop(self, standing: Standing) -> Again:
        seen = await self._look(standing)
        if seen.liveness in GONE:
            return await self._collect(standing, seen.exit)
        await self._backend.stop(_handle(standing))
        return Again.RETRY

    async def _collect(self, standing: Standing, record: ExitRecord | None, *, failure: str = "") -> Again:
        """Close an attempt whose container is gone.

        Its folder becomes the platform's before anything in it is believed, and has its final place before the job
        is final: whoever sees the job completed can fetch its results.
        """
        if standing.pipeline == CHECK:
            standing = await self._after_check(standing)
        outcome, defect = await self._files(self._remains.take, standing)
        end = End(exit=record, outcome=outcome, defect=defect, failure=failure)
        state = await self._finish(Ending(standing.job, standing.attempt, end))
        self._remains.forget(standing.name)
        # No other attempt of it can have left anything: it would not have been claimed.
        if not await self._forgotten(standing, standing.attempt, _handle(standing)):
            return Again.RETRY
        is_over = state in FINAL and standing.deleted_at is None and standing.job not in self._unstored
        return Again.NEVER if is_over else await self._clear(standing)

    async def _after_check(self, standing: Standing) -> Standing:
        """Keep whom a check called, while there is its box's record; return where it stands now that the box is gone.

        Its runner may have reported since the job was looked at, and of a check that report alone counts.
        """
        called = await self._backend.called(_handle(standing))
        await self._database(self._lifecycle.keep_calls, standing.job, called)
        now = await self._standing(standing.job)
        return standing._replace(outcome=now.outcome) if now else standing

    async def _clear(self, standing: Standing) -> Again:
        """Remove what is left of ended containers, store what could not be stored, and remove all of a deleted job."""
        for number, name, state in await self._uncleared(standing.job):
            if not await self._forgotten(standing, number, Handle(name=name, state=state)):
                return Again.RETRY
        if standing.deleted_at is None:
            if standing.job in self._unstored:
                await self._files(self._remains.store_the_rest, standing)
        else:
            await self._files(self._remains.remove, standing)
            await self._database(self._lifecycle.purge, standing.job)
        return Again.DONE

    async def _forgotten(self, standing: Standing, attempt: int, handle: Handle) -> bool:
        """Have an ended attempt's container removed; return whether it is, or has to be waited for."""
        (seen,) = await self._backend.check([handle])
        if seen.liveness not in GONE:
            await self._backend.stop(handle)
            return False
        await self._backend.remove(handle)
        await self._mark_cleared((standing.job, attempt))
        self._sightings.forget(handle.name)
        return True

    async def _look(self, standing: Standing) -> Observation:
        (seen,) = await self._backend.check([_handle(standing)])
        return seen

    async def _end_if_it_lingers(self, standing: Standing) -> None:
        if self._sightings.age(standing.name, "reported", standing.heartbeat_at) > LINGER_LIMIT:
            await self._backend.stop(_handle(standing))

    def _overdue(self, standing: Standing) -> bool:
        """Tell whether a container ran for too long under the eyes of this process; where none looked, its box did."""
        return self._sightings.age(standing.name, "runs", value=True) > standing.time_limit + OVERTIME

    def _silent(self, standing: Standing) -> bool:
        return self._sightings.age(standing.name, "heard", standing.heartbeat_at) > self._silence


def _answered(act: Callable[[Sequence[Any]], None]) -> Callable[[Sequence[Any]], Sequence[None]]:
    """Return an act on many that has nothing to say, with an answer for each."""

    def answered(questions: Sequence[Any]) -> Sequence[None]:
        act(questions)
        return [None] * len(questions)

    return answered


def _handle(standing: Standing) -> Handle:
    return Handle(name=standing.name, state=standing.backend_state or {})


@asynccontextmanager
async def _closed_afterwards(states: AsyncIterator[State]) -> AsyncIterator[AsyncIterator[State]]:
    """Close a start that is not wanted any more at once, not when it is collected."""
    try:
        yield states
    finally:
        close = getattr(states, "aclose", None)  # a generator has it; the contract asks for an iterator only
        if close is not None:
            await close()
