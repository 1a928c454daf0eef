"""How well starts are estimated: on a made trace, what a job that waits is told against when it started.

    python benchmarks/estimates.py [--users 40] [--days 2] [--seed 1] [--every 20]

Told is the middle of the estimate, when the job comes; a job counts if it waited for a minute or more, and if five jobs of
each pipeline that matters had run. The goal is a median error of at most 50 % of the wait.
"""

import argparse
import statistics
import sys
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from typing_extensions import override

sys.path.insert(0, str(Path(__file__).parents[1]))

from gavip_hub.domain.fairness import Run
from gavip_hub.domain.forecast import Forecast, RunTimes, forecast, run_times
from gavip_hub.domain.policies import FairShare
from gavip_hub.domain.policy import Policy, Ranking, Snapshot, Waiting
from gavip_hub.domain.quota import Quota
from gavip_hub.domain.simulation import BEGINNING, World
from gavip_hub.domain.traces import made_trace

PLATFORM = Quota(memory_mb=128 * 1024, cpu=32.0)
USER = Quota(memory_mb=64 * 1024, cpu=16.0)
GOAL = 0.5
SHORTEST_WAIT = 60.0
NEWEST = 50


class Watching(Policy):
    """Fair share, with an estimate of every n-th job that comes and has to wait."""

    def __init__(self, *, every: int) -> None:
        self._policy = FairShare()
        self._every = every
        self._seen: set[str] = set()
        self.runs: dict[str, Run] = {}
        self.told: dict[str, Forecast] = {}

    @override
    def rank(self, pending: Sequence[Waiting], snapshot: Snapshot) -> Ranking:
        ranking = self._policy.rank(pending, snapshot)
        new = {job.job for job in pending} - self._seen
        self._seen |= new
        asked = {ranked.job for ranked in ranking if ranked.wait and ranked.job in new}
        if any(int(job[1:]) % self._every == 0 for job in asked):
            by_id = {job.job: job for job in pending}
            order = [by_id[ranked.job] for ranked in ranking if ranked.wait]
            found = forecast(self._policy, order, snapshot, self._known(snapshot.now))
            self.told |= {job: found[job] for job in asked & found.keys()}
        return ranking

    def _known(self, now: datetime) -> dict[str, RunTimes]:
        passed = (now - BEGINNING).total_seconds()
        times = defaultdict[str, list[float]](list)
        for run in self.runs.values():
            if run.started and run.started + run.arrival.lasts <= passed:
                times[run.arrival.pipeline].append(run.arrival.lasts)
        return {name: known for name, seconds in times.items() if (known := run_times(seconds[-NEWEST:]))}


def main() -> int:
    """Measure, print, and tell by the exit status whether the goal was reached."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--users", type=int, default=40)
    parser.add_argument("--days", type=float, default=2.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--every", type=int, default=20)
    chosen = parser.parse_args()
    made = {"users": chosen.users, "days": chosen.days, "seed": chosen.seed}
    trace = made_trace(**made, platform=PLATFORM, quota=USER)
    watching = Watching(every=chosen.every)
    world = World(watching, platform=PLATFORM, quota=USER, every=10.0, started=lambda _: None)
    watching.runs = world.runs
    world.run(trace)
    return report(world, watching)


def report(world: World, watching: Watching) -> int:
    """Print the errors; return 0 where the goal was reached."""
    errors, inside = [], 0
    for job, told in watching.told.items():
        wait = world.runs[job].wait
        if wait >= SHORTEST_WAIT:
            asked = BEGINNING.timestamp() + world.runs[job].arrival.at
            errors.append(abs(told.middle.timestamp() - asked - wait) / wait)
            started = BEGINNING.timestamp() + world.runs[job].started
            inside += told.soonest.timestamp() <= started <= told.latest.timestamp()
    median = statistics.median(errors)
    print(f"{len(errors)} estimates of jobs that waited for a minute or more, of {len(world.runs)} jobs")
    print(f"error, median     {median:6.0%}   goal: at most {GOAL:.0%}")
    print(f"in the interval   {inside / len(errors):6.0%}")
    return 0 if median <= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
