"""Run a policy on a trace of jobs, event by event, without a machine: the very objects that the scheduler runs."""

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from statistics import quantiles

from gavip_hub.domain.container import Kind
from gavip_hub.domain.fairness import Run, fairness
from gavip_hub.domain.policy import Holding, Policy, Snapshot, Waiting, spent_by
from gavip_hub.domain.quota import PLATFORM, ROUNDING, Quota
from gavip_hub.domain.spending import Spent
from gavip_hub.domain.traces import Arrival
from gavip_hub.domain.waits import Told

FEWEST_JOBS = 2
"""What quantiles need."""
BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a policy made of a trace; times in seconds."""

    jobs: int
    users: int
    wait_p50: float
    wait_p95: float
    slowdown_p50: float
    """Time in the system over time running."""
    slowdown_p95: float
    jain: float
    """Jain's index of how far users got what they were due, 0 to 1; see `gavip_hub.domain.fairness`."""
    memory_used: float
    """Part of the platform's memory in use, 0 to 1, from the first arrival to the last end."""
    cpu_used: float
    violations: int
    """Starts with which a pool held more than it may, and jobs that started later than promised."""
    longest_wait: float


def simulate(
    trace: Sequence[Arrival],
    policy: Policy,
    *,
    platform: Quota,
    quota: Quota,
    every: float = 1.0,
    started: Callable[[int], object] = lambda _count: None,
) -> Report:
    """Run a policy on a trace and tell how everybody fared.

    Parameters
    ----------
    trace
        In the order of arrival; each job fits both pools alone.
    quota
        What each user may hold at once.
    every
        Seconds from one pass of the scheduler to the next at least.
    started
        Called with the number of jobs that just started, to show progress.
    """
    world = World(policy, platform=platform, quota=quota, every=every, started=started)
    world.run(trace)
    return _report(world)


@dataclass
class World:
    """The platform of a simulation: what waits, what runs, what was used."""

    policy: Policy
    platform: Quota
    quota: Quota
    every: float
    started: Callable[[int], object]
    runs: dict[str, Run] = field(default_factory=dict)
    violations: int = 0
    ended: float = 0.0
    _waiting: dict[str, Waiting] = field(default_factory=dict)
    _holdings: dict[str, Holding] = field(default_factory=dict)
    _ends: list[tuple[float, str]] = field(default_factory=list)
    _held: dict[str, tuple[int, float]] = field(default_factory=dict)
    _spent: dict[str, Spent] = field(default_factory=dict)
    _looks_at: float = 0.0

    def run(self, trace: Sequence[Arrival]) -> None:
        """Let everything arrive, start and end."""
        arrivals = list(reversed(trace))
        while arrivals or self._ends:
            now = self._next(arrivals)
            self._end_until(now)
            while arrivals and arrivals[-1].at <= now:
                self._arrive(arrivals.pop())
            if self._waiting:
                self._pass(now)

    def _next(self, arrivals: Sequence[Arrival]) -> float:
        """Return the time of the next pass: of the next event, or as soon as the scheduler looks again."""
        first = min([*(one.at for one in arrivals[-1:]), *(end for end, _ in self._ends[:1])])
        return max(first, self._looks_at)

    def _end_until(self, now: float) -> None:
        while self._ends and self._ends[0][0] <= now:
            at, job = heapq.heappop(self._ends)
            held = self._holdings.pop(job)
            self._count(held, -1)
            spent = self._spent.get(held.owner, Spent(at=held.since))
            self._spent[held.owner] = spent.plus(
                memory_mb=held.memory_mb, cpu=held.cpu, since=held.since, until=_moment(at)
            )
            self.ended = max(self.ended, at)

    def _arrive(self, arrival: Arrival) -> None:
        self.runs[arrival.job] = Run(arrival=arrival)
        self._waiting[arrival.job] = Waiting(
            job=arrival.job,
            owner=arrival.owner,
            memory_mb=arrival.memory_mb,
            cpu=arrival.cpu,
            time_limit=arrival.time_limit,
            queued_at=_moment(arrival.at),
            pipeline=arrival.pipeline,
        )

    def _pass(self, now: float) -> None:
        self._looks_at = now + self.every
        ranking = self.policy.rank(list(self._waiting.values()), self.snapshot(now))
        for ranked in ranking:
            if ranked.wait is None:
                self._start(self._waiting.pop(ranked.job), now)
                self.started(1)
            elif ranked.wait.starts_by is not None:
                self._promise(ranked.job, ranked.wait.starts_by)

    def snapshot(self, now: float) -> Snapshot:
        """Return what the policy is told."""
        at, holdings = _moment(now), list(self._holdings.values())
        return Snapshot(
            now=at,
            platform=self.platform,
            whole=self.platform,
            quotas=dict.fromkeys((job.owner for job in self._waiting.values()), self.quota),
            holdings=holdings,
            spent=spent_by(self._spent, holdings, whole=self.platform, now=at),
        )

    def _start(self, job: Waiting, now: float) -> None:
        run = self.runs[job.job]
        run.started = now
        if run.promised is not None and now > run.promised + self.every + ROUNDING:
            self.violations += 1
        heapq.heappush(self._ends, (now + run.arrival.lasts, job.job))
        self._holdings[job.job] = Holding(
            owner=job.owner,
            kind=Kind.JOB,
            memory_mb=job.memory_mb,
            cpu=job.cpu,
            since=_moment(now),
            ends_at=_moment(now) + job.limit,
            pipeline=job.pipeline,
        )
        self._count(self._holdings[job.job], 1)

    def _promise(self, job: str, at: datetime) -> None:
        run = self.runs[job]
        if run.promised is None:
            run.promised = (at - BEGINNING).total_seconds()
        self._waiting[job] = replace(self._waiting[job], told=Told(starts_by=at))

    def _count(self, held: Holding, sign: int) -> None:
        """Count what the platform and a user hold, apart from what the policy counts."""
        for pool, quota in ((held.owner, self.quota), (PLATFORM, self.platform)):
            memory_mb, cpu = self._held.get(pool, (0, 0.0))
            self._held[pool] = now = (memory_mb + sign * held.memory_mb, cpu + sign * held.cpu)
            self.violations += sign > 0 and (now[0] > quota.memory_mb or now[1] > quota.cpu + ROUNDING)


def _moment(seconds: float) -> datetime:
    return BEGINNING + timedelta(seconds=seconds)


def _report(world: World) -> Report:
    runs = list(world.runs.values())
    if len(runs) < FEWEST_JOBS:
        raise ValueError(f"a trace needs at least two jobs; got {len(runs)}")
    first = min(run.arrival.at for run in runs)
    memory = sum(run.arrival.lasts * run.arrival.memory_mb for run in runs)
    cpu = sum(run.arrival.lasts * run.arrival.cpu for run in runs)
    time = max(1e-9, world.ended - first)
    waits, slowdowns = _twentieths([run.wait for run in runs]), _twentieths([run.slowdown for run in runs])
    return Report(
        jobs=len(runs),
        users=len({run.arrival.owner for run in runs}),
        wait_p50=waits[9],
        wait_p95=waits[18],
        slowdown_p50=slowdowns[9],
        slowdown_p95=slowdowns[18],
        jain=fairness(runs, platform=world.platform),
        memory_used=memory / (time * world.platform.memory_mb),
        cpu_used=cpu / (time * world.platform.cpu),
        violations=world.violations,
        longest_wait=max(run.wait for run in runs),
    )


def _twentieths(values: Sequence[float]) -> list[float]:
    return quantiles(values, n=20, method="inclusive")
