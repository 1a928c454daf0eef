"""How well starts are estimated: on a made trace, what jobs that wait are told first against when they started.

    python benchmarks/estimates.py [--users 40] [--days 2] [--seed 1] [--every 600]

Every so many seconds of the trace the first jobs of the queue are estimated, as the service does, with no more than what
it would know at that moment: runs that have ended, and waits that are over. A job counts once, if it waited for a minute or
more after it was told. Goals: a median error of at most 50 % of the wait where five jobs of its pipeline had run, and eight
of ten starts within the told times (at least seven).
"""

import argparse
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from typing_extensions import override

sys.path.insert(0, str(Path(__file__).parents[1]))

from gavip_hub.domain.experience import Accuracy, Experience, accuracy_of, ratio_of
from gavip_hub.domain.fairness import Run
from gavip_hub.domain.forecast import Forecast, forecast
from gavip_hub.domain.policies import FairShare, Fifo
from gavip_hub.domain.policy import Policy, Ranking, Snapshot, Waiting
from gavip_hub.domain.quota import Quota
from gavip_hub.domain.simulation import BEGINNING, World
from gavip_hub.domain.traces import made_trace
from gavip_hub.services.estimates import NEWEST_WAITS
from gavip_hub.services.past import NEWEST, NEWEST_OF_ALL

PLATFORM = Quota(memory_mb=128 * 1024, cpu=32.0)
USER = Quota(memory_mb=64 * 1024, cpu=16.0)
MOST_ERROR, LEAST_INSIDE = 0.5, 0.7
SHORTEST_WAIT = 60.0


@dataclass(frozen=True, kw_only=True)
class Told:
    """What was told of a job first, and when."""

    at: float
    forecast: Forecast
    accuracy: Accuracy


class Watching(Policy):
    """A policy, with estimates of the front of its queue every so many seconds."""

    def __init__(self, policy: Policy, *, every: float) -> None:
        self._policy = policy
        self._every = every
        self._next = 0.0
        self._ratios: dict[bool, list[float]] = {True: [], False: []}
        self._open: set[str] = set()
        self.runs: dict[str, Run] = {}
        self.told: dict[str, Told] = {}
        self.seconds: list[float] = []

    @override
    def rank(self, pending: Sequence[Waiting], snapshot: Snapshot) -> Ranking:
        ranking = self._policy.rank(pending, snapshot)
        passed = (snapshot.now - BEGINNING).total_seconds()
        if passed >= self._next:
            self._next = passed + self._every
            self._learn({job.job for job in pending})
            by_id = {job.job: job for job in pending}
            order = [by_id[ranked.job] for ranked in ranking if ranked.wait]
            begun = time.perf_counter()
            found = forecast(self._policy, order, snapshot, self._experience(passed))
            self.seconds.append(time.perf_counter() - begun)
            accuracy = {known: accuracy_of(many[-NEWEST_WAITS:]) for known, many in self._ratios.items()}
            for job in found.keys() - self.told.keys():
                one = found[job]
                self.told[job] = Told(at=passed, forecast=one, accuracy=accuracy[one.is_known])
                self._open.add(job)
        return ranking

    def _learn(self, waiting: set[str]) -> None:
        for job in sorted(self._open - waiting):
            told = self.told[job]
            self._ratios[told.forecast.is_known].append(ratio_of(*spans(told, self.runs[job])))
        self._open &= waiting

    def _experience(self, now: float) -> Experience:
        over = [run for run in self.runs.values() if run.started and run.started + run.arrival.lasts <= now]
        over.sort(key=lambda run: run.started + run.arrival.lasts)
        times = defaultdict[str, list[float]](list)
        for run in over:
            times[run.arrival.pipeline].append(run.arrival.lasts)
        parts = [run.arrival.lasts / run.arrival.time_limit for run in over[-NEWEST_OF_ALL:]]
        return Experience(runs={name: known[-NEWEST:] for name, known in times.items()}, parts=parts)


def spans(told: Told, run: Run) -> tuple[timedelta, timedelta]:
    """Return how long a job was told to wait, and how long it waited from then."""
    said = told.forecast.start - (BEGINNING + timedelta(seconds=told.at))
    return said, timedelta(seconds=run.started - told.at)


def main() -> int:
    """Measure, print, and tell by the exit status whether the goals were reached."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--users", type=int, default=40)
    parser.add_argument("--days", type=float, default=2.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--every", type=float, default=600.0)
    chosen = parser.parse_args()
    made = {"users": chosen.users, "days": chosen.days, "seed": chosen.seed}
    reached = []
    for policy in (FairShare(), Fifo()):
        watching = Watching(policy, every=chosen.every)
        world = World(watching, platform=PLATFORM, quota=USER, every=10.0, started=lambda _: None)
        watching.runs = world.runs
        world.run(made_trace(**made, platform=PLATFORM, quota=USER))
        print(
            f"{type(policy).__name__}: {len(world.runs):,} jobs, {len(watching.told):,} estimated; ", end=""
        )
        print(
            f"one look takes {statistics.median(watching.seconds):.2f} s, {max(watching.seconds):.2f} s at most"
        )
        reached.append(report(world, watching))
    return 0 if all(reached) else 1


def report(world: World, watching: Watching) -> bool:
    """Print the errors; return whether the goals were reached."""
    waits = [(told, world.runs[job]) for job, told in watching.told.items()]
    long = [(told, run) for told, run in waits if run.started - told.at >= SHORTEST_WAIT]
    known = [(told, run) for told, run in long if told.forecast.is_known]
    sure = [(told, run) for told, run in long if not told.forecast.unknown]
    rows = {"all": long, "five runs of its pipeline": known, "none unknown before it": sure}
    found = {name: _row(name, some) for name, some in rows.items()}
    print(f"goal: error at most {MOST_ERROR:.0%} after five runs, at least {LEAST_INSIDE:.0%} inside")
    return found["five runs of its pipeline"][0] <= MOST_ERROR and found["all"][1] >= LEAST_INSIDE


def _row(name: str, waits: Sequence[tuple[Told, Run]]) -> tuple[float, float]:
    """Print and return the median error of some estimates, and the part of starts within the told times."""
    errors, inside = [], 0
    for told, run in waits:
        at, start = (BEGINNING + timedelta(seconds=seconds) for seconds in (told.at, run.started))
        soonest, middle, latest = told.accuracy.around(at, told.forecast.start)
        errors.append(abs(middle - start) / (start - at))
        inside += soonest <= start <= latest
    error, part = (statistics.median(errors), inside / len(waits)) if waits else (0.0, 1.0)
    print(f"  {name:<26} {len(waits):6,} estimates, median error {error:6.0%}, inside {part:6.0%}")
    return error, part


if __name__ == "__main__":
    sys.exit(main())
