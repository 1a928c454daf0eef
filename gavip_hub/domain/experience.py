"""What past runs tell: how long a job will run, and how far estimates were off."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import median, quantiles

FEWEST_RUNS = 5
"""Fewer past runs of a pipeline tell little of the next one's."""
OUTLIVED = 1.2
"""What has run for longer than all before it is expected to take so much longer in all."""
OPEN_SERVER = "server"
"""By this name the times are known for which servers stay open; a pipeline's name has a slash."""


@dataclass(frozen=True, kw_only=True)
class Experience:
    """How long jobs ran.

    Parameters
    ----------
    runs
        Pipeline -> seconds that its newest jobs ran.
    parts
        Of the newest jobs of all pipelines: the part of its time limit that each ran. It tells of pipelines that never ran.
    """

    runs: Mapping[str, Sequence[float]] = field(default_factory=dict)
    parts: Sequence[float] = ()

    @property
    def is_enough(self) -> bool:
        """Whether so much has run on the platform that anything can be said of what never did."""
        return len(self.parts) >= FEWEST_RUNS

    def many(self, pipeline: str) -> int:
        """Return how many past runs of a pipeline are known."""
        return len(self.runs.get(pipeline, ()))

    def seconds(self, pipeline: str, limit: float | None, *, ran: float = 0.0) -> float | None:
        """Return for how long something will probably run in all: as long as the middle one of those that ran so long already.

        None where nothing is known: servers have no limit.
        """
        longest = float("inf") if limit is None else limit
        times = self.runs.get(pipeline) or [part * longest for part in self.parts if limit is not None]
        if not times:
            return limit
        later = [seconds for seconds in times if seconds > ran]
        return min(longest, median(later)) if later else min(longest, ran * OUTLIVED)


@dataclass(frozen=True, kw_only=True)
class Accuracy:
    """How long jobs waited, over how long they were told to wait: of ten, one less than `early`, one more than `late`.

    Those who come later make most waits longer than was told: that shows here, and needs no guess of who will come.
    """

    early: float = 0.5
    middle: float = 1.0
    late: float = 4.0

    def around(self, now: datetime, start: datetime) -> tuple[datetime, datetime, datetime]:
        """Return between which times a start will probably lie that was reckoned for one, and the middle."""
        told = max(start - now, SHORTEST)
        return now + told * self.early, now + told * self.middle, now + told * self.late


SHORTEST = timedelta(seconds=10)
"""Told or waited, less counts as this: the scheduler itself takes a moment."""
FEWEST_WAITS = 20


def accuracy_of(ratios: Sequence[float]) -> Accuracy:
    """Return how far estimates were off, from how long each wait was over what was told; with few of them, a wide guess."""
    if len(ratios) < FEWEST_WAITS:
        return Accuracy()
    tenths = quantiles(ratios, n=10, method="inclusive")
    return Accuracy(early=tenths[0], middle=tenths[4], late=tenths[8])


def ratio_of(told: timedelta, waited: timedelta) -> float:
    """Return how long somebody waited over what was told."""
    return max(waited, SHORTEST) / max(told, SHORTEST)
