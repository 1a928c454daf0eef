"""When waiting jobs will probably start: the queue played through with the run times of past jobs."""

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from statistics import quantiles

from gavip_hub.domain.container import Kind
from gavip_hub.domain.policy import Holding, Policy, Snapshot, Waiting

FEWEST_RUNS = 5
"""Fewer past runs of a pipeline tell nothing of the next one's."""
MOST_JOBS = 100
"""Farther back an estimate would be made of other estimates."""
LOW, MIDDLE, HIGH = 0, 1, 2


@dataclass(frozen=True, kw_only=True, slots=True)
class RunTimes:
    """How long the jobs of a pipeline ran, in seconds: of five, one took less than `low` and one more than `high`."""

    low: float
    middle: float
    high: float
    runs: int

    def at(self, case: int) -> float:
        """Return the run time in the best, the middle or the worst case."""
        return (self.low, self.middle, self.high)[case]


@dataclass(frozen=True, kw_only=True, slots=True)
class Forecast:
    """When a job will probably start."""

    soonest: datetime
    middle: datetime
    latest: datetime
    runs: int
    """Of the pipeline of which fewest are known, among those that matter."""


def run_times(seconds: Sequence[float]) -> RunTimes | None:
    """Return what past runs of a pipeline tell; None where they are too few."""
    if len(seconds) < FEWEST_RUNS:
        return None
    fifths = quantiles(seconds, n=10, method="inclusive")
    return RunTimes(low=fifths[1], middle=fifths[4], high=fifths[7], runs=len(seconds))


def forecast(
    policy: Policy, order: Sequence[Waiting], snapshot: Snapshot, known: Mapping[str, RunTimes]
) -> dict[str, Forecast]:
    """Return when the first jobs of a queue will probably start, if nobody else comes.

    The queue is played through three times by the policy itself, which knows time limits only, while jobs end after the
    run times of the best, the middle and the worst case. A job is left out where one that matters for it, running or
    ahead of it, is of a pipeline that is not known.

    Parameters
    ----------
    order
        The waiting jobs as the policy ranks them.
    known
        Pipeline -> how long its jobs ran.
    """
    told = _until_unknown(order[:MOST_JOBS], known)
    running = [held.pipeline for held in snapshot.holdings if held.pipeline]
    if not told or any(pipeline not in known for pipeline in running):
        return {}
    cases = [_play(policy, told, snapshot, known, case) for case in (LOW, MIDDLE, HIGH)]
    runs = min(known[name].runs for name in {*running, *(job.pipeline for job in told)})
    return {
        job.job: Forecast(
            soonest=min(case[job.job] for case in cases),
            middle=cases[MIDDLE][job.job],
            latest=max(case[job.job] for case in cases),
            runs=runs,
        )
        for job in told
        if all(job.job in case for case in cases)
    }


def _until_unknown(order: Sequence[Waiting], known: Mapping[str, RunTimes]) -> list[Waiting]:
    """Return the jobs ahead of the first whose run time is not known: nothing is known of those behind it."""
    told: list[Waiting] = []
    for job in order:
        if job.pipeline not in known:
            break
        told.append(job)
    return told


def _play(
    policy: Policy, order: Sequence[Waiting], snapshot: Snapshot, known: Mapping[str, RunTimes], case: int
) -> dict[str, datetime]:
    """Let jobs end and start until all have started, or nothing that could end would help."""
    now = snapshot.now
    running = dict(enumerate(snapshot.holdings))
    ends = [
        (_expected_end(one, known[one.pipeline].at(case), now), number)
        for number, one in running.items()
        if one.pipeline
    ]
    heapq.heapify(ends)
    waiting, starts = list(order), dict[str, datetime]()
    while waiting:
        there = replace(snapshot, now=now, holdings=list(running.values()))
        begun = {ranked.job for ranked in policy.rank(waiting, there) if ranked.wait is None}
        for job in [job for job in waiting if job.job in begun]:
            starts[job.job] = now
            number = len(snapshot.holdings) + len(starts)
            running[number] = _started(job, now)
            heapq.heappush(ends, (now + timedelta(seconds=known[job.pipeline].at(case)), number))
        waiting = [job for job in waiting if job.job not in begun]
        if not ends:
            break
        now, number = heapq.heappop(ends)
        del running[number]
    return starts


def _expected_end(held: Holding, seconds: float, now: datetime) -> datetime:
    """Return the end that past runs let expect; one that outlived them ends after a tenth of its time so far."""
    end = held.since + timedelta(seconds=seconds)
    return end if end > now else now + (now - held.since) * 0.1


def _started(job: Waiting, now: datetime) -> Holding:
    return Holding(
        owner=job.owner,
        kind=Kind.JOB,
        memory_mb=job.memory_mb,
        cpu=job.cpu,
        since=now,
        ends_at=now + job.limit,
        pipeline=job.pipeline,
    )
