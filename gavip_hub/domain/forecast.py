"""When waiting jobs will probably start: the queue played through with the run times of past jobs."""

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from gavip_hub.domain.container import Kind
from gavip_hub.domain.experience import FEWEST_RUNS, OPEN_SERVER, Experience
from gavip_hub.domain.policy import Holding, Policy, Snapshot, Waiting

MOST_JOBS = 100
"""Farther back the play would take too long."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Forecast:
    """When a job would start if nobody else came."""

    start: datetime
    runs: int
    """Past runs of its own pipeline."""
    unknown: int
    """Jobs before it, running or waiting, of pipelines that hardly ever ran: their time limits tell a little."""

    @property
    def is_known(self) -> bool:
        """Whether its own pipeline has run often: then those ahead of it, of the same campaign, are known as well."""
        return self.runs >= FEWEST_RUNS


def forecast(
    policy: Policy, order: Sequence[Waiting], snapshot: Snapshot, experience: Experience
) -> dict[str, Forecast]:
    """Return when the first jobs of a queue would start.

    The queue is played through by the policy itself, which knows time limits only, while jobs end as past ones did.
    A job is left out where nothing whose end is known would make room for it.

    Parameters
    ----------
    order
        The waiting jobs as the policy ranks them.
    """
    first = order[:MOST_JOBS]
    if not first or not experience.is_enough:
        return {}
    starts = _play(policy, first, snapshot, experience)
    unknown = sum(is_unknown(held.pipeline, experience) for held in snapshot.holdings)
    found = {}
    for job in first:
        if job.job in starts:
            found[job.job] = Forecast(
                start=starts[job.job], runs=experience.many(job.pipeline), unknown=unknown
            )
        unknown += is_unknown(job.pipeline, experience)
    return found


def is_unknown(pipeline: str | None, experience: Experience) -> bool:
    """Tell whether something is a job of a pipeline that hardly ever ran."""
    return pipeline is not None and experience.many(pipeline) < FEWEST_RUNS


def _play(
    policy: Policy, order: Sequence[Waiting], snapshot: Snapshot, experience: Experience
) -> Mapping[str, datetime]:
    """Let jobs end and start until all have started, or nothing that could end would help."""
    now = snapshot.now
    running = dict(enumerate(snapshot.holdings))
    expected = [(expected_end(held, experience, now), number) for number, held in running.items()]
    ends = [(end, number) for end, number in expected if end is not None]
    heapq.heapify(ends)
    waiting, starts = list(order), dict[str, datetime]()
    while waiting:
        there = replace(snapshot, now=now, holdings=list(running.values()))
        begun = {ranked.job for ranked in policy.rank(waiting, there) if ranked.wait is None}
        for job in [job for job in waiting if job.job in begun]:
            starts[job.job] = now
            number = len(snapshot.holdings) + len(starts)
            running[number] = _started(job, now)
            lasts = experience.seconds(job.pipeline, job.time_limit) or job.time_limit
            heapq.heappush(ends, (now + timedelta(seconds=lasts), number))
        waiting = [job for job in waiting if job.job not in begun]
        if not ends:
            break
        now, number = heapq.heappop(ends)
        del running[number]
    return starts


def expected_end(held: Holding, experience: Experience, now: datetime) -> datetime | None:
    """Return when something that holds room will probably end; None where nothing is known of its kind."""
    if held.gives_way_at:
        return max(now, held.gives_way_at)
    limit = (held.ends_at - held.since).total_seconds() if held.ends_at else None
    ran = max(0.0, (now - held.since).total_seconds())
    seconds = experience.seconds(held.pipeline or OPEN_SERVER, limit, ran=ran)
    return None if seconds is None else max(now, held.since + timedelta(seconds=seconds))


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
