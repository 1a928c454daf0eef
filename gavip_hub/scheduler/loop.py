"""The scheduler loop: everything that happens to jobs by themselves, event-driven, with a slow tick underneath."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import islice

from gavip_hub.backends.base import Handle, JobBackend
from gavip_hub.clock import Clock
from gavip_hub.domain.policy import Policy, Ranking
from gavip_hub.domain.waits import Wait
from gavip_hub.exceptions import DatabaseAway, DiskFull, GavipError
from gavip_hub.logs import Trouble, about_job
from gavip_hub.scheduler.choice import Chooser
from gavip_hub.scheduler.consumers import Consumers
from gavip_hub.scheduler.news import Reach
from gavip_hub.scheduler.reconciler import Again, Reconciler
from gavip_hub.scheduler.workqueue import WorkQueue
from gavip_hub.services.claims import LaunchOrder
from gavip_hub.services.lifecycle import JobLifecycle
from gavip_hub.storage.database import Database, Touched
from gavip_hub.storage.lease import lease
from gavip_hub.threads import Threads

DISPATCH, NEWS = "dispatch", "news"
"""The items of the queue that are no jobs: choose what starts next, and tell those that wait why."""
SHARES = {DISPATCH: 0.25, NEWS: 0.1}
"""Of the loop's time, at most: for longer than that nobody chooses, and nobody is told."""
LONGEST_REST = 1.0
GATHERING = 0.05
"""Seconds that a short pass is followed by, at most thrice its own: jobs that come one by one are claimed together."""
CLAIMED_AT_ONCE = 200
SWEEP_EVERY = 60.0
EXPLAINED_AT_ONCE = 100
"""Jobs told in one transaction: nobody else writes meanwhile."""
LONGEST_PAUSE = 5.0
"""Seconds between two looks while they fail."""
QUIET_KINDS = frozenset({"job.progress", "job.reason", "job.provenance"})
"""Events that change nothing for the loop."""

log = logging.getLogger(__name__)


class SchedulerLoop:
    """Takes jobs from state to target; all it knows is in the database, so it may end and begin at any moment.

    Of several loops over one database one works and the others stand by: two would take one another's launches for
    the remains of a dead service. See docs/adr/0005-one-loop-at-a-time.md.

    Parameters
    ----------
    policy
        Returns the policy of this moment: an operator may change it at any time.
    tick
        Seconds between two looks at everything, for what no event told.
    consumers
        Jobs that are worked on at the same time.
    pass_timer
        Measures each pass over the queue.
    ranked
        Is shown the queue of each pass.
    held
        Returns why nothing may start now, whoever's turn it is, or nothing.
    first
        What is done before each look at everything; blocks.
    """

    def __init__(
        self,
        *,
        database: Database,
        lifecycle: JobLifecycle,
        reconciler: Reconciler,
        backend: JobBackend,
        policy: Callable[[], Policy],
        clock: Clock,
        threads: Threads,
        tick: float = 1.0,
        consumers: int = 300,
        pass_timer: Callable[[], AbstractContextManager[object]] = nullcontext,
        ranked: Callable[[Ranking, bool], object] = lambda _ranking, _are_all: None,
        held: Callable[[], str] = str,
        first: Callable[[], object] = str,
    ) -> None:
        self._database = database
        self._lifecycle = lifecycle
        self._reconciler = reconciler
        self._backend = backend
        self._clock = clock
        self._threads = threads
        self._tick_seconds = tick
        self._pass_timer = pass_timer
        self._held = held
        self._first = first
        self._holding = Trouble(log=log, what="Nothing starts")
        self._claiming = Trouble(log=log, what="The claim of a job")
        self._lease = lease(database.url, "scheduler")
        self._leads = False
        self._stands_by = False
        self._ended = False
        self._tells_all = False
        self._chooser = Chooser(lifecycle=lifecycle, policy=policy, clock=clock, ranked=ranked)
        self._news: dict[str, Wait] = {}
        self._queue = WorkQueue(clock=clock, first=0.05, most=10.0)
        self._consumers = Consumers(queue=self._queue, work=self._work_on, clock=clock, many=consumers)
        self._swept_at = clock.monotonic() - SWEEP_EVERY
        self._ticked_at = clock.monotonic()
        self._trouble = Trouble(log=log, what="The scheduler's look at everything")

    @property
    def healthy(self) -> bool:
        """Whether it looks at everything in time, or another one does."""
        return self._clock.monotonic() - self._ticked_at < 10 * self._tick_seconds

    @property
    def problem(self) -> str:
        """Return why no job moves by this loop, in a sentence; nothing where all is well."""
        if self._ended:
            return "The scheduler has ended."
        if not self.healthy:
            silent = self._clock.monotonic() - self._ticked_at
            return f"The scheduler has not looked at the jobs for {silent:.0f} s."
        return "Another service schedules jobs: this one stands by." if self._stands_by else ""

    async def run(self) -> None:
        """Work until cancelled; a job whose step is interrupted is found again by the next loop."""
        here = asyncio.get_running_loop()
        unsubscribe = self._database.subscribe(
            lambda touched: here.call_soon_threadsafe(self._on_touched, touched)
        )
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._tick_for_ever())
                tasks.create_task(self._consumers.run())
        finally:
            self._ended = True
            unsubscribe()
            self._queue.close()
            self._lease.release()

    async def tick(self) -> None:
        """Look at everything once: what runs, what is left over, what waits."""
        self._leads = await self._holds_lease()
        self._stands_by = not self._leads
        if not self._leads:
            self._ticked_at = self._clock.monotonic()  # standing by is being well
            return
        await self._threads(self._first)
        standings = await self._threads(self._lifecycle.live)
        seen = await self._backend.check(
            [Handle(name=s.name, state=s.backend_state or {}) for s in standings]
        )
        for standing, observation in zip(standings, seen, strict=True):
            if self._reconciler.wants_a_step(standing, observation):
                self._queue.put_unless_scheduled(standing.job)
        for job in await self._threads(self._lifecycle.leftovers):
            self._queue.put_unless_scheduled(job)
        self._queue.put(DISPATCH)
        if self._clock.monotonic() - self._swept_at >= SWEEP_EVERY:
            await self._sweep()
        self._ticked_at = self._clock.monotonic()

    async def _holds_lease(self) -> bool:
        try:
            return await self._threads(self._lease.hold)
        except BaseException:
            self._leads = False  # it may be another's by now
            raise

    async def _tick_for_ever(self) -> None:
        pause = self._tick_seconds
        while True:
            try:
                await self.tick()
                self._trouble.over()
                pause = self._tick_seconds
            except Exception as error:  # noqa: BLE001 - the database or the engine may be away; it is tried again
                self._trouble.met(error)
                pause = min(2 * pause, LONGEST_PAUSE)
            await self._clock.sleep(pause)

    async def _work_on(self, item: str) -> float:
        """Work on one item; return for how long to rest from it, so that those that run come first however many wait."""
        try:
            return await self._handle(item)
        except (DatabaseAway, DiskFull):  # said by those who found out, and not of every job
            self._queue.retry(item)
        except GavipError as error:
            log.warning("%s: %s; it is tried again", item, error)
            self._queue.retry(item)
        except Exception:  # one job's trouble must not end the loop
            log.exception("%s: the scheduler failed; it is tried again", item)
            self._queue.retry(item)
        return 0.0

    async def _handle(self, item: str) -> float:
        if not self._leads:  # it was lost since this was put; whoever has it now finds the job by itself
            return 0.0
        if item in SHARES:
            began = self._clock.monotonic()
            with self._pass_timer() if item == DISPATCH else nullcontext():
                took = await (self._dispatch() if item == DISPATCH else self._tell())
            self._queue.forget(item)
            whole = self._clock.monotonic() - began
            rest = max(took / SHARES[item] - whole, min(GATHERING, 3 * whole))
            return min(LONGEST_REST, rest)
        with about_job(item):
            again = await self._reconciler.step(item)
        self._put_again(item, again)
        return 0.0

    def _put_again(self, job: str, again: Again) -> None:
        if again is Again.RETRY:
            self._queue.retry(job)
            return
        self._queue.forget(job)
        if again is Again.NOW:
            self._queue.put(job)
        elif again is Again.NEVER:
            self._queue.drop(job)  # should it be deleted just now, the next tick finds it

    async def _dispatch(self) -> float:
        """Start what the policy chooses; return how long it took to choose.

        Each claim checks the limits again in its own transaction.
        """
        began = self._clock.monotonic()
        if why := await self._threads(self._held):
            self._holding.met(DiskFull(why))
            return self._clock.monotonic() - began
        self._holding.over()
        # Where more is to be told than can be, what is newer comes with a later pass.
        reach = Reach.ALL if self._tells_all else Reach.NOBODY if self._news else Reach.FRONT_AND_NEW
        # In a thread, or thousands of jobs would keep every request waiting.
        chosen, news = await self._threads(self._chooser.choose, reach)
        if reach is Reach.ALL:
            self._tells_all = False
        took = self._clock.monotonic() - began
        for start in range(0, len(chosen), CLAIMED_AT_ONCE):
            await self._claim(chosen[start : start + CLAIMED_AT_ONCE])
        self._news = {**news, **{job: wait for job, wait in self._news.items() if job not in news}}
        if self._news:
            self._queue.put(NEWS)
        return took

    async def _tell(self) -> float:
        """Tell some of those that wait why; return how long that took: nobody else writes meanwhile."""
        began = self._clock.monotonic()
        part = dict(islice(self._news.items(), EXPLAINED_AT_ONCE))
        await self._threads(self._lifecycle.explain, part)
        for job, wait in part.items():
            if self._news.get(job) is wait:
                del self._news[job]
        if self._news:
            self._queue.put(NEWS)
        return self._clock.monotonic() - began

    async def _claim(self, chosen: Sequence[str]) -> None:
        orders: dict[str, LaunchOrder] = {}
        alone: list[list[str]] = []
        for job in chosen:
            self._reconciler.expect(job)
        try:
            orders = {order.job: order for order in await self._threads(self._lifecycle.claim, chosen)}
        except (DatabaseAway, DiskFull):
            raise
        except Exception as error:  # noqa: BLE001 - one job's trouble must not be its neighbours'
            self._claiming.met(error)
            alone = [[job] for job in chosen] if len(chosen) > 1 else []
        finally:
            for job in chosen:
                self._reconciler.accept(job, orders.get(job))
        for job in orders:
            self._queue.put(job)
        for one in alone:
            await self._claim(one)

    async def _sweep(self) -> None:
        """End containers that belong to no attempt, as a crash leaves them, and look at what ended jobs left."""
        owned = await self._backend.owned()
        for name in await self._threads(self._lifecycle.strays, owned):
            await self._end_stray(Handle(name=name, state={}))
        for job in await self._reconciler.unstored():
            self._queue.put_unless_scheduled(job)
        self._swept_at = self._clock.monotonic()
        self._tells_all = True
        await self._threads(self._lifecycle.forget_purged)  # last: a full disk may refuse it

    async def _end_stray(self, handle: Handle) -> None:
        """End a container of nobody's; one that cannot be removed keeps no other, and is found again."""
        log.warning("%s belongs to no job and is ended", handle.name)
        try:
            await self._backend.stop(handle)
            await self._backend.remove(handle)
        except (GavipError, OSError) as error:
            log.warning("%s: %s; it is tried again", handle.name, error)

    def _on_touched(self, touched: Iterable[Touched]) -> None:
        for _owner, subject, kind in touched:
            if kind in QUIET_KINDS or not self._leads:
                continue
            if kind == "job.state":
                self._queue.put(subject)
            self._queue.put(DISPATCH)
