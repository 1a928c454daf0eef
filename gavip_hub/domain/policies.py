"""The policies that come along: fair share, which is the default, first come first served, and smallest first."""

import heapq
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from typing_extensions import override

from gavip_hub.domain.plan import plan
from gavip_hub.domain.policy import Policy, Ranking, Snapshot, Waiting

ENTRY = timedelta(minutes=10)
"""What a start costs at once, so that nobody starts a hundred jobs before the first of them counts."""
ENTRY_SECONDS = ENTRY.total_seconds()
AGE_WEIGHT = 0.1
"""Seconds of the whole platform that a second of waiting makes good."""
PATIENCE = timedelta(hours=6)


class Fifo(Policy):
    """First come, first served.

    A job that its owner's own pool holds back lets others pass. One that the platform holds back does not,
    or large jobs would wait for ever behind small ones.
    """

    @override
    def rank(self, pending: Sequence[Waiting], snapshot: Snapshot) -> Ranking:
        return plan(_reserved_first(sorted(pending, key=_age)), snapshot, backfill=False)


class SmallestFirst(Policy):
    """Who asks for the least comes first; who has waited for six hours comes before everybody."""

    @override
    def rank(self, pending: Sequence[Waiting], snapshot: Snapshot) -> Ranking:
        def size(job: Waiting) -> tuple[bool, float, datetime, str]:
            is_patient = snapshot.now - job.queued_at < PATIENCE
            return is_patient, snapshot.share(job.memory_mb, job.cpu) if is_patient else 0.0, *_age(job)

        return plan(_reserved_first(sorted(pending, key=size)), snapshot)


class FairShare(Policy):
    """Who has used least comes first: dominant shares of memory and cores, decayed over days.

    A person's next job competes with what its owner has used, less what its wait makes good. Each start is counted at
    once as if it had run for a while (`ENTRY`). Among one's own jobs the oldest comes first.

    Dominant shares: Ghodsi et al. 2011, Dominant Resource Fairness; decay: as in Slurm's and HTCondor's fair share.
    """

    @override
    def rank(self, pending: Sequence[Waiting], snapshot: Snapshot) -> Ranking:
        return plan(_reserved_first(list(self._order(pending, snapshot))), snapshot)

    def _order(self, pending: Sequence[Waiting], snapshot: Snapshot) -> Iterator[Waiting]:
        queues = defaultdict[str, list[Waiting]](list)
        for job in sorted(pending, key=_age, reverse=True):
            queues[job.owner].append(job)
        debts = _debts(snapshot)
        heap = [_standing(queue[-1], debts[owner], snapshot) for owner, queue in queues.items()]
        heapq.heapify(heap)
        while heap:
            owner = heap[0][-1]
            queue = queues[owner]
            job = queue.pop()
            yield job
            debts[owner] += snapshot.share(job.memory_mb, job.cpu) * min(job.time_limit, ENTRY_SECONDS)
            if queue:
                heapq.heapreplace(heap, _standing(queue[-1], debts[owner], snapshot))
            else:
                heapq.heappop(heap)


def _debts(snapshot: Snapshot) -> dict[str, float]:
    """Return what everybody has used, in seconds of the whole platform; what was just started counts as an entry."""
    debts = defaultdict(float, snapshot.spent)
    for held in snapshot.holdings:
        limit = held.ends_at - held.since if held.ends_at else ENTRY
        ahead = max(timedelta(), min(limit, ENTRY) - max(timedelta(), snapshot.now - held.since))
        debts[held.owner] += snapshot.share(held.memory_mb, held.cpu) * ahead.total_seconds()
    return debts


def _standing(job: Waiting, debt: float, snapshot: Snapshot) -> tuple[float, datetime, str]:
    waited = max(0.0, (snapshot.now - job.queued_at).total_seconds())  # a clock may be set back
    return debt - AGE_WEIGHT * waited, job.queued_at, job.owner


def _age(job: Waiting) -> tuple[datetime, str]:
    return job.queued_at, job.job


def _reserved_first(order: list[Waiting]) -> list[Waiting]:
    """Keep the word given to the head of the queue, whoever would be first now."""
    promised = [(job.told.starts_by, job.job, job) for job in order if job.told.starts_by]
    if not promised:
        return order
    *_, first = min(promised)
    return [first, *(job for job in order if job is not first)]
