"""Queues of waiting jobs for the tests of policies: a platform, its users and what they ask for."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from gavip_hub.domain.container import Kind
from gavip_hub.domain.policy import Holding, Policy, Ranking, Snapshot, Waiting
from gavip_hub.domain.quota import PLATFORM, Quota, Shortage
from gavip_hub.testing import EPOCH

WHOLE = Quota(memory_mb=10_000, cpu=100.0)
USER = Quota(memory_mb=1000, cpu=10.0)


def waiting(number: int, *, owner: str = "ann", memory_mb: int = 100, **more: Any) -> Waiting:
    """Return the job `j<number>`, which came that many seconds after the beginning."""
    values = {"cpu": 1.0, "time_limit": 3600, "queued_at": EPOCH + timedelta(seconds=number), **more}
    return Waiting(job=f"j{number}", owner=owner, memory_mb=memory_mb, **values)


def running(owner: str = "ann", *, memory_mb: int = 100, cpu: float = 1.0, left: float = 60.0) -> Holding:
    """Return a job that has run for an hour and may run for so many seconds more."""
    return Holding(
        owner=owner,
        kind=Kind.JOB,
        memory_mb=memory_mb,
        cpu=cpu,
        since=EPOCH - timedelta(hours=1),
        ends_at=EPOCH + timedelta(seconds=left),
    )


def opened(owner: str = "ann", *, memory_mb: int = 100) -> Holding:
    """Return an open interface; nobody knows when it is closed."""
    return replace(running(owner, memory_mb=memory_mb), kind=Kind.INTERFACE, ends_at=None)


def snapshot(
    *,
    platform_mb: int = 10_000,
    platform_cpu: float = 100.0,
    holdings: Sequence[Holding] = (),
    users: Mapping[str, Quota] | Iterable[str] = ("ann", "bob", "cid"),
    **more: Any,
) -> Snapshot:
    """Return a platform at the beginning of all times."""
    return Snapshot(
        now=EPOCH,
        platform=Quota(memory_mb=platform_mb, cpu=platform_cpu),
        whole=WHOLE,
        quotas=users if isinstance(users, Mapping) else dict.fromkeys(users, USER),
        holdings=holdings,
        **more,
    )


def started(ranking: Ranking) -> list[str]:
    """Return the jobs that are to start, first one first."""
    return [ranked.job for ranked in ranking if ranked.wait is None]


def words(ranking: Ranking) -> dict[str, str]:
    """Return what the owners of the others are told."""
    return {ranked.job: ranked.wait.words for ranked in ranking if ranked.wait}


def raised(there: Snapshot, owner: str, shorts: Iterable[Shortage]) -> Snapshot:
    """Return the platform with these limits of an owner's pool and its own raised to what is needed."""
    for short in shorts:
        needed = {short.limit: round(short.needed + 0.5)}
        if short.pool == PLATFORM:
            there = replace(there, platform=replace(there.platform, **needed))
        else:
            quotas = {**there.quotas, owner: replace(there.quotas[owner], **needed)}
            there = replace(there, quotas=quotas)
    return there


def one_pass(policy: Policy, jobs: Sequence[Waiting], there: Snapshot) -> tuple[list[Waiting], Snapshot]:
    """Let a policy start what it chooses; return the jobs that wait, with what they were told, and what is held then."""
    waits = {ranked.job: ranked.wait for ranked in policy.rank(jobs, there)}
    new = [
        replace(
            running(job.owner, memory_mb=job.memory_mb, cpu=job.cpu), since=EPOCH, ends_at=EPOCH + job.limit
        )
        for job in jobs
        if waits[job.job] is None
    ]
    rest = [replace(job, told=wait.told) for job in jobs if (wait := waits[job.job])]
    return rest, replace(there, holdings=[*there.holdings, *new])


def at_rest(policy: Policy, jobs: Sequence[Waiting], there: Snapshot) -> tuple[list[Waiting], Snapshot]:
    """Let a policy start what it chooses, pass after pass, until a pass starts nothing; see `one_pass`.

    What a pass starts counts as used: whose turn it is may be another's at the next.
    """
    while True:
        rest, held = one_pass(policy, jobs, there)
        if len(rest) == len(jobs):
            return rest, held
        jobs, there = rest, held
