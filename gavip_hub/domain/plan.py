"""From an order to a ranking: what starts now, what is kept for the head of the queue, and why the others wait."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from gavip_hub.domain.container import Kind
from gavip_hub.domain.policy import Holding, Ranked, Ranking, Snapshot, Waiting
from gavip_hub.domain.quota import NOTHING, PLATFORM, ROUNDING
from gavip_hub.domain.waits import Pool, Wait

OPEN_END = timedelta(hours=1)
"""For how long what has no end is expected to stay: an open interface. It moves on with the time."""


def plan(order: Iterable[Waiting], snapshot: Snapshot, *, backfill: bool = True) -> Ranking:
    """Start what fits, in this order, and keep room for the first that does not.

    The first job that the platform holds back gets a reservation: the time at which enough will have ended, by the
    time limits of what runs. A later job may pass it (*backfill*) only if it has ended by then, or fits beside it: so
    small jobs use what would lie idle, and never make the head of the queue wait longer (EASY backfill, Lifka 1995).
    A job that its owner's own pool holds back lets everybody pass.

    Parameters
    ----------
    order
        All waiting jobs, best first.
    backfill
        False: nothing passes a job that the platform holds back.
    """
    return _Planner(snapshot, backfill=backfill).rank(order)


class _End(NamedTuple):
    """When a container gives back what it holds."""

    at: datetime
    is_certain: bool
    owner: str
    memory_mb: int
    cpu: float


@dataclass(slots=True)
class _Room:
    """Memory and cores that are free."""

    memory_mb: float
    cpu: float

    def holds(self, job: Waiting) -> bool:
        return job.memory_mb <= self.memory_mb and job.cpu <= self.cpu + ROUNDING

    def add(self, memory_mb: float, cpu: float) -> None:
        self.memory_mb += memory_mb
        self.cpu += cpu


@dataclass(kw_only=True, slots=True)
class _Reservation:
    """When the head of the queue will fit, and what is free beside it then: on the platform, and in its owner's pool."""

    owner: str
    at: datetime
    beside: _Room
    beside_own: _Room

    def admits(self, job: Waiting, now: datetime) -> bool:
        if now + job.limit <= self.at:
            return True
        return self.beside.holds(job) and (job.owner != self.owner or self.beside_own.holds(job))

    def take(self, job: Waiting, now: datetime) -> None:
        if now + job.limit <= self.at:
            return
        self.beside.add(-job.memory_mb, -job.cpu)
        if job.owner == self.owner:
            self.beside_own.add(-job.memory_mb, -job.cpu)


class _Planner:
    def __init__(self, snapshot: Snapshot, *, backfill: bool) -> None:
        self._now = snapshot.now
        self._backfill = backfill
        self._platform = Pool(PLATFORM, snapshot.platform, snapshot.promised)
        self._pools = {
            owner: Pool(owner, quota, snapshot.kept.get(owner, NOTHING))
            for owner, quota in snapshot.quotas.items()
        }
        self._ends = [self._hold(holding) for holding in snapshot.holdings]
        self._reservation: _Reservation | None = None
        self._is_closed = False
        self._place = 0

    def rank(self, order: Iterable[Waiting]) -> Ranking:
        return _head_first([Ranked(job.job, self._start_or_wait(job)) for job in order])

    def _hold(self, holding: Holding) -> _End:
        """Count a container; return when it ends."""
        is_job = holding.kind is Kind.JOB
        self._platform.take(holding.memory_mb, holding.cpu, is_job=is_job)
        if holding.owner in self._pools:
            self._pools[holding.owner].take(holding.memory_mb, holding.cpu, is_job=is_job)
        certain = holding.ends_at is not None
        at = max(holding.ends_at, self._now) if holding.ends_at else self._now + OPEN_END
        return _End(at, certain, holding.owner, holding.memory_mb, holding.cpu)

    def _start_or_wait(self, job: Waiting) -> Wait | None:
        """Start a job, or say why it waits; there may be ten thousand, so that nothing here is made in vain."""
        own = self._pools[job.owner]
        own_fits = _fits(job, own)
        if own_fits and not self._is_closed and _fits(job, self._platform) and self._may_pass(job):
            self._start(job)
            return None
        starts_by = self._reserve(job, own_fits=own_fits) if self._reservation is None else None
        wait = self._wait(job, own, starts_by)
        is_held = not own_fits and starts_by is None
        own.queue(job.memory_mb, job.cpu, is_held=is_held)
        self._platform.queue(job.memory_mb, job.cpu, is_held=is_held)
        return wait

    def _may_pass(self, job: Waiting) -> bool:
        return self._reservation is None or self._reservation.admits(job, self._now)

    def _start(self, job: Waiting) -> None:
        self._platform.take(job.memory_mb, job.cpu, is_job=True)
        self._pools[job.owner].take(job.memory_mb, job.cpu, is_job=True)
        self._ends.append(_End(self._now + job.limit, True, job.owner, job.memory_mb, job.cpu))
        if self._reservation:
            self._reservation.take(job, self._now)

    def _reserve(self, job: Waiting, *, own_fits: bool) -> datetime | None:
        """Keep room for the head of the queue; return when it starts at the latest, where that is certain.

        What its own pool holds back is no head, unless it was one already: the word that was given counts.
        """
        if not own_fits and job.told.starts_by is None:
            return None
        beside, beside_own, certain = _room(self._platform), _room(self._pools[job.owner]), True
        for at, ends in groupby(sorted(self._ends), key=attrgetter("at")):
            for end in ends:  # all of that moment, or who fits beside the head would be told otherwise
                certain = certain and end.is_certain
                beside.add(end.memory_mb, end.cpu)
                if end.owner == job.owner:
                    beside_own.add(end.memory_mb, end.cpu)
            if beside.holds(job) and beside_own.holds(job):
                beside.add(-job.memory_mb, -job.cpu)
                beside_own.add(-job.memory_mb, -job.cpu)
                self._reservation = _Reservation(owner=job.owner, at=at, beside=beside, beside_own=beside_own)
                self._is_closed = not self._backfill
                if at <= self._now:  # overdue: it ends any moment, and that is no news
                    return job.told.starts_by
                return at if certain else None
        return None  # more than the platform can ever hold: nobody has to wait for it

    def _wait(self, job: Waiting, own: Pool, starts_by: datetime | None) -> Wait:
        self._place += 1
        everybody = self._platform
        return Wait(
            self._place,
            job.memory_mb,
            job.cpu,
            own,
            everybody,
            own.waiting_mb,
            own.waiting_cpu,
            everybody.waiting_mb - everybody.held_mb + own.held_mb,
            everybody.waiting_cpu - everybody.held_cpu + own.held_cpu,
            starts_by,
        )


def _room(pool: Pool) -> _Room:
    return _Room(pool.free_mb, pool.free_cpu)


def _fits(job: Waiting, pool: Pool) -> bool:
    return job.memory_mb <= pool.free_mb and job.cpu <= pool.free_cpu + ROUNDING  # not a call: ten thousand


def _head_first(ranking: Ranking) -> Ranking:
    """Count the job that was given a time as ahead of all that wait: from the next pass on it comes first."""
    at = next((n for n, ranked in enumerate(ranking) if ranked.wait and ranked.wait.starts_by), 0)
    head = ranking[at].wait if ranking else None
    if head is None or head.place == 1:
        return ranking
    before = [
        ranked._replace(wait=ranked.wait.behind(head)) if ranked.wait else ranked for ranked in ranking[:at]
    ]
    return [Ranked(ranking[at].job, head.first()), *before, *ranking[at + 1 :]]
