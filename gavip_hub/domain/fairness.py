"""How fair a schedule was: what users got of what they were due, hour by hour."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from statistics import fmean

from gavip_hub.domain.quota import Quota
from gavip_hub.domain.traces import Arrival

HOUR = 3600.0
SHORT_RUN = 10.0
"""Seconds; shorter runs count as this long in a slowdown, or seconds of waiting would look like hours."""


@dataclass(kw_only=True)
class Run:
    """One job of a schedule; times in seconds."""

    arrival: Arrival
    started: float = 0.0
    promised: float | None = None
    """When it was first told to start at the latest."""

    @property
    def wait(self) -> float:
        """Seconds from its arrival to its start."""
        return self.started - self.arrival.at

    @property
    def slowdown(self) -> float:
        """Its time in the system over its time running."""
        ran = max(SHORT_RUN, self.arrival.lasts)
        return max(1.0, (self.wait + ran) / ran)


@dataclass
class _Hour:
    """What one user asked for and got in one hour, in seconds of the whole platform."""

    asked: float = 0.0
    got: float = 0.0


def fairness(runs: Iterable[Run], *, platform: Quota) -> float:
    """Return the mean of Jain's index over all hours in which two users or more had jobs.

    In each hour a user is due an equal part of the platform, or what they asked for if that is less. The index is 1
    where all got the same part of what they were due, and 1/n where one of n got everything.

    Source: Jain, Chiu and Hawe 1984, A Quantitative Measure of Fairness.
    """
    hours: dict[int, dict[str, _Hour]] = defaultdict(lambda: defaultdict(_Hour))
    for run in runs:
        arrival = run.arrival
        share = max(arrival.memory_mb / platform.memory_mb, arrival.cpu / platform.cpu)
        for hour, seconds in _by_hour(arrival.at, run.started):
            hours[hour][arrival.owner].asked += share * seconds
        for hour, seconds in _by_hour(run.started, run.started + arrival.lasts):
            hours[hour][arrival.owner].asked += share * seconds
            hours[hour][arrival.owner].got += share * seconds
    shared = [_index(users.values()) for users in hours.values() if len(users) > 1]
    return fmean(shared) if shared else 1.0


def _index(users: Collection[_Hour]) -> float:
    due = HOUR / len(users)
    parts = [min(1.0, user.got / max(1e-9, min(due, user.asked))) for user in users]
    squares = sum(part * part for part in parts)
    return sum(parts) ** 2 / (len(parts) * squares) if squares else 1.0


def _by_hour(since: float, until: float) -> Iterator[tuple[int, float]]:
    """Cut a span of time into hours."""
    while since < until:
        hour = int(since // HOUR)
        end = min(until, (hour + 1) * HOUR)
        yield hour, end - since
        since = end
