"""From an order to a ranking: what starts now, what is kept for the head of the queue, and why the others wait."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from gavip_hub.domain.policy import Holding, Ranked, Ranking, Snapshot, Waiting
from gavip_hub.domain.quota import NOTHING, PLATFORM, ROUNDING
from gavip_hub.domain.waits import NO_AMOUNT, Amount, Pool, Wait

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


@dataclass(kw_only=True)
class _Reservation:
    """When the head of the queue will fit, and what is free beside it then: on the platform, and in its owner's pool."""

    owner: str
    at: datetime
    beside: Amount
    beside_own: Amount

    def admits(self, job: Waiting, now: datetime) -> bool:
        if now + job.limit <= self.at:
            return True
        return _fits(job, self.beside) and (job.owner != self.owner or _fits(job, self.beside_own))

    def take(self, job: Waiting, now: datetime) -> None:
        if now + job.limit <= self.at:
            return
        self.beside = self.beside.plus(-job.memory_mb, -job.cpu)
        if job.owner == self.owner:
            self.beside_own = self.beside_own.plus(-job.memory_mb, -job.cpu)


class _Queue:
    """What a pool's waiting jobs ask for, in order."""

    def __init__(self) -> None:
        self.all = NO_AMOUNT
        self.held = NO_AMOUNT
        """Of those that their owner's own pool holds back."""

    def add(self, job: Waiting, *, held: bool) -> None:
        self.all = self.all.plus(job.memory_mb, job.cpu)
        if held:
            self.held = self.held.plus(job.memory_mb, job.cpu)


class _Planner:
    def __init__(self, snapshot: Snapshot, *, backfill: bool) -> None:
        self._now = snapshot.now
        self._backfill = backfill
        self._platform = Pool(name=PLATFORM, quota=snapshot.platform, promised=snapshot.promised)
        self._pools = {
            owner: Pool(name=owner, quota=quota, promised=NOTHING) for owner, quota in snapshot.quotas.items()
        }
        self._ends = [self._hold(holding) for holding in snapshot.holdings]
        self._everybody = _Queue()
        self._queues = defaultdict[str, _Queue](_Queue)
        self._reservation: _Reservation | None = None
        self._is_closed = False
        self._place = 0

    def rank(self, order: Iterable[Waiting]) -> Ranking:
        return _head_first([Ranked(job.job, self._start_or_wait(job)) for job in order])

    def _hold(self, holding: Holding) -> _End:
        """Count a container; return when it ends."""
        self._platform.take(holding.want)
        if holding.owner in self._pools:
            self._pools[holding.owner].take(holding.want)
        certain = holding.ends_at is not None
        at = max(holding.ends_at, self._now) if holding.ends_at else self._now + OPEN_END
        return _End(at, certain, holding.owner, holding.memory_mb, holding.cpu)

    def _start_or_wait(self, job: Waiting) -> Wait | None:
        own_fits = _fits(job, self._pools[job.owner].free)
        if own_fits and not self._is_closed and _fits(job, self._platform.free) and self._may_pass(job):
            self._start(job)
            return None
        starts_by = self._reserve(job, own_fits=own_fits) if not self._reservation else None
        wait = self._wait(job, starts_by)
        is_held = not own_fits and starts_by is None
        self._everybody.add(job, held=is_held)
        self._queues[job.owner].add(job, held=is_held)
        return wait

    def _may_pass(self, job: Waiting) -> bool:
        return self._reservation is None or self._reservation.admits(job, self._now)

    def _start(self, job: Waiting) -> None:
        self._platform.take(job.want)
        self._pools[job.owner].take(job.want)
        self._ends.append(_End(self._now + job.limit, True, job.owner, job.memory_mb, job.cpu))
        if self._reservation:
            self._reservation.take(job, self._now)

    def _reserve(self, job: Waiting, *, own_fits: bool) -> datetime | None:
        """Keep room for the head of the queue; return when it starts at the latest, where that is certain.

        What its own pool holds back is no head, unless it was one already: the word that was given counts.
        """
        if not own_fits and job.told.starts_by is None:
            return None
        self._is_closed = not self._backfill
        free, own, certain = self._platform.free, self._pools[job.owner].free, True
        for end in sorted(self._ends):
            free, certain = free.plus(end.memory_mb, end.cpu), certain and end.is_certain
            if end.owner == job.owner:
                own = own.plus(end.memory_mb, end.cpu)
            if _fits(job, free) and _fits(job, own):
                self._reservation = _Reservation(
                    owner=job.owner,
                    at=end.at,
                    beside=free.plus(-job.memory_mb, -job.cpu),
                    beside_own=own.plus(-job.memory_mb, -job.cpu),
                )
                return end.at if certain else None
        return None  # more than the platform can ever hold: nobody has to wait for it

    def _wait(self, job: Waiting, starts_by: datetime | None) -> Wait:
        self._place += 1
        everybody, own = self._everybody, self._queues[job.owner]
        return Wait(
            place=self._place,
            want=job.want,
            own=self._pools[job.owner],
            platform=self._platform,
            ahead_own=own.all,
            ahead=everybody.all.less(everybody.held).more(own.held),
            starts_by=starts_by,
        )


def _fits(job: Waiting, free: Amount) -> bool:
    return job.memory_mb <= free.memory_mb and job.cpu <= free.cpu + ROUNDING


def _head_first(ranking: Ranking) -> Ranking:
    """Count the job that was given a time as ahead of all that wait: from the next pass on it comes first."""
    at = next((n for n, ranked in enumerate(ranking) if ranked.wait and ranked.wait.starts_by), 0)
    head = ranking[at].wait if ranking else None
    if head is None or head.place == 1:
        return ranking
    before = [
        ranked._replace(wait=ranked.wait.behind(head)) if ranked.wait else ranked for ranked in ranking[:at]
    ]
    first = Ranked(ranking[at].job, replace(head, place=1, ahead_own=NO_AMOUNT, ahead=NO_AMOUNT))
    return [first, *before, *ranking[at + 1 :]]
