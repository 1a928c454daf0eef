"""Who waits for room to open an interface: whose turn it is, and why the others wait. First come, first served."""

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from gavip_hub.domain.container import Kind
from gavip_hub.domain.experience import Experience
from gavip_hub.domain.forecast import expected_end
from gavip_hub.domain.policy import Holding
from gavip_hub.domain.quota import NOTHING, PLATFORM, ROUNDING, Quota, Usage
from gavip_hub.domain.waits import Pool, Wait


class Applicant(NamedTuple):
    """Somebody who waits to open an interface."""

    id: str
    owner: str
    memory_mb: int
    cpu: float
    holds_up: bool
    """Whether those who came later wait until it fits: a page that was closed, or waited for too long, lets them pass."""


def in_turn(
    applicants: Iterable[Applicant], *, platform: Pool, pools: Mapping[str, Pool]
) -> dict[str, Wait | None]:
    """Say of each, in this order, why it waits, or None where it opens now.

    Who fits takes the room. The first that the platform holds back keeps those who came later waiting; one that its
    owner's own pool holds back, or for which the whole platform is too small, keeps nobody.

    Parameters
    ----------
    platform, pools
        What is free now, of all and of each owner; changed as the queue is gone through.
    """
    answers: dict[str, Wait | None] = {}
    is_closed, place = False, 0
    ahead: set[str] = set()  # owners of whom one waits whom their own pool would let in
    overtaken: set[str] = set()  # of these, those who took room meanwhile for another that came later
    for one in applicants:
        own = pools[one.owner]
        own_fits, fits = own.holds(one.memory_mb, one.cpu), platform.holds(one.memory_mb, one.cpu)
        if own_fits and fits and not is_closed:
            for pool in (own, platform):
                pool.take(one.memory_mb, one.cpu, is_job=False)
            answers[one.id] = None
            overtaken |= {one.owner} & ahead
            continue
        place += 1
        answers[one.id] = _wait(one, place, own, platform)
        # With more room the earlier one opens, the later one does not, and then who is held back now may fit as well.
        is_held = not own_fits and one.owner not in overtaken
        ahead |= {one.owner} if own_fits else set()
        for pool in (own, platform):
            pool.queue(one.memory_mb, one.cpu, is_held=is_held)
        is_closed = is_closed or (own_fits and not fits and one.holds_up and _could_fit(one, platform))
    return answers


def _could_fit(one: Applicant, pool: Pool) -> bool:
    """Tell whether it fits once everything has ended."""
    return one.memory_mb <= pool.quota.memory_mb and one.cpu <= pool.quota.cpu + ROUNDING


def _wait(one: Applicant, place: int, own: Pool, platform: Pool) -> Wait:
    return Wait(
        place=place,
        memory_mb=one.memory_mb,
        cpu=one.cpu,
        own=own,
        platform=platform,
        own_mb=own.waiting_mb,
        own_cpu=own.waiting_cpu,
        all_mb=platform.waiting_mb - platform.held_mb + own.held_mb,
        all_cpu=platform.waiting_cpu - platform.held_cpu + own.held_cpu,
        starts_by=None,
    )


@dataclass(frozen=True, kw_only=True)
class Rooms:
    """The queue of those who wait for room, and what holds it.

    Parameters
    ----------
    quotas
        Of each owner of an applicant.
    """

    now: datetime
    platform: Quota
    quotas: Mapping[str, Quota]
    holdings: Sequence[Holding]
    applicants: Sequence[Applicant]

    def answers(self) -> dict[str, Wait | None]:
        """Tell of each why it waits; None where it fits now."""
        return self._look(self.applicants, _Ledger(self.holdings))

    def opens_at(self, one: str, experience: Experience) -> datetime | None:
        """Return when there is room for one if all that holds room ends as its like did; None where nobody knows.

        Nobody who comes later passes, so that no more than the ends of what runs has to be guessed.
        """
        now, waiting, held = self.now, list(self.applicants), dict(enumerate(self.holdings))
        ledger = _Ledger(self.holdings)
        ends = [(end, key) for key, each in held.items() if (end := expected_end(each, experience, now))]
        heapq.heapify(ends)
        while (answers := self._look(waiting, ledger))[one] is not None:
            for opened in [each for each in waiting if answers[each.id] is None]:
                waiting.remove(opened)
                key = len(self.holdings) + len(self.applicants) - len(waiting)
                held[key] = _opened(opened, now)
                ledger.add(held[key])
                if end := expected_end(held[key], experience, now):
                    heapq.heappush(ends, (end, key))
            if not ends:
                return None
            now, key = heapq.heappop(ends)
            ledger.remove(held.pop(key))
        return now

    def _look(self, waiting: Iterable[Applicant], ledger: "_Ledger") -> dict[str, Wait | None]:
        pools = {owner: Pool(owner, quota, used=ledger.used(owner)) for owner, quota in self.quotas.items()}
        platform = Pool(PLATFORM, self.platform, used=ledger.used())
        return in_turn(waiting, platform=platform, pools=pools)


class _Ledger:
    """What is held of each pool, followed from one end to the next instead of counted anew."""

    def __init__(self, held: Iterable[Holding]) -> None:
        self._used: dict[str | None, Usage] = {}  # None: of all
        for one in held:
            self.add(one)

    def used(self, owner: str | None = None) -> Usage:
        return self._used.get(owner, NOTHING)

    def add(self, one: Holding) -> None:
        self._count(one, 1)

    def remove(self, one: Holding) -> None:
        self._count(one, -1)

    def _count(self, one: Holding, sign: int) -> None:
        is_job = one.kind is Kind.JOB
        for owner in (None, one.owner):
            used = self.used(owner)
            self._used[owner] = Usage(
                memory_mb=used.memory_mb + sign * one.memory_mb,
                cpu=used.cpu + sign * one.cpu,
                jobs=used.jobs + sign * is_job,
                servers=used.servers + sign * (not is_job),
            )


def _opened(one: Applicant, now: datetime) -> Holding:
    return Holding(owner=one.owner, kind=Kind.INTERFACE, memory_mb=one.memory_mb, cpu=one.cpu, since=now)
