"""How much memory a job will need, learned from past runs of its pipeline.

Several simple guesses stand beside one another. The one counts that would have cost least so far: what it reserved in vain, and
its failed attempts. Sizey chooses among its models alike (Bader et al. 2024, arXiv
2407.16353); the guesses themselves are those of Witt et al. (2019: quantiles, and a line with an offset), of Ponder (Lehmann et al. 2024: a line
only where a number and the peaks rise together, else the most that was seen) and of Kubernetes' Vertical Pod Autoscaler (old
runs weigh less and less). See docs/adr/0009-memory-from-past-runs.md; its constants were chosen by `benchmarks/memory.py`.
"""

import math
from collections import defaultdict, deque
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import combinations, count, islice
from operator import mul
from statistics import median
from typing import NamedTuple

from avi_kernel.protocol.manifest import MOST_MEMORY_MB
from gavip_hub.domain.memory import next_size

FEWEST_RUNS = 5
"""Fewer past runs tell less than their author."""
NEWEST_RUNS = 60
"""Older ones count for one guess alone: the one that has a long memory."""
REMEMBERED_RUNS = 300
"""Older ones are forgotten. Of a heavy tail, sixty runs tell hardly more than their largest."""
JUDGING_RUNS = 100
"""The newest runs by which guesses are judged: older ones would weigh a tenth."""
LONG_HALF_LIFE = 150
HALF_LIFE = 30
"""Runs after which an older one, and what was learned of a guess, weighs half as much."""
LINE_RUNS = 30
"""The newest runs through which a line is laid."""
TOLD_RUNS = 5
"""Runs for which, while guesses are judged, it stays known which numbers tell of memory: from one to the next that hardly
changes, and finding it out takes as long as half of all else."""
RELATED = 0.3
"""Rank correlation from which on a number tells of memory."""
JUDGED = 2.5
"""Weight of the runs by which a guess must have been judged."""
FAILED_COSTS = 1.0
"""A failed attempt costs its owner, who waits, as much as so many runs that fit exactly."""
KILLED_AFTER = 0.5
"""The part of its time after which an attempt that needs more is killed."""
FULL = 0.98
"""A run that ended well and filled so much of its memory may have done so with the system's cache of its files."""


class Traits(NamedTuple):
    """What of a job's parameters may tell of its memory."""

    numbers: Mapping[str, float] = {}
    kinds: Mapping[str, Hashable] = {}
    """Choices and switches; free text tells nothing."""


class Level(NamedTuple):
    """How careful a guess is: so much more than this part of like runs needed."""

    part: float
    margin: float


LEVELS = (Level(0.96, 1.1), Level(1.0, 1.05), Level(1.0, 1.2))
CAREFUL = LEVELS[-1]
AUTHOR = "author"
"""The guess that past runs do not make: where they scatter wildly, few of them tell less than who wrote the pipeline."""


@dataclass(frozen=True, kw_only=True)
class PastRun:
    """A run that has ended well, or was killed for lack of memory.

    Parameters
    ----------
    peak_mb
        The most that it held.
    asked_mb
        What it was given.
    author_mb
        What the author's figure gives for it; 0 where there is none.
    """

    peak_mb: float
    asked_mb: int
    is_killed: bool = False
    author_mb: float = 0
    traits: Traits = field(default_factory=Traits)

    @cached_property  # asked for thousands of times while others are judged by it
    def needed_mb(self) -> float:
        """Return what it needed; of one that was killed, which needed more than it had, what the next attempt would get."""
        if self.is_killed:
            return next_size(self.asked_mb, peak_mb=self.peak_mb)
        return self.peak_mb

    @cached_property
    def octaves(self) -> float:
        """Its need on a scale on which twice as much is one step, whatever it is twice of."""
        return math.log(max(1.0, self.needed_mb))

    def enough_mb(self, margin: float) -> float:
        """Return what such a run is to have; one that was full and ended well had enough, or each run would ask for more."""
        is_full = not self.is_killed and self.peak_mb >= FULL * self.asked_mb
        return self.asked_mb if is_full else self.needed_mb * margin


Sizes = Mapping[float, Sequence[float]]
"""What each of some runs is to have, the oldest first, by the margin of a level."""


class Like(NamedTuple):
    """Past runs that are like the job in question."""

    sizes: Sizes
    """In proportion to that job."""
    weights: Sequence[float]


Relations = Mapping[str, float]
"""How surely memory rises or falls with each number, from 0 to 1."""


class _Told(NamedTuple):
    """What numbers tell of memory, as it was found lately."""

    found: Mapping[str, float] = {}
    numbers: frozenset[str] = frozenset()
    """Those that were looked at."""
    runs: int = TOLD_RUNS
    """How many were judged since."""

    def lately(self, runs: Sequence[PastRun], traits: Traits) -> "_Told":
        """Return this for another run; found anew where it is old, or says nothing of one of its numbers."""
        if self.runs < TOLD_RUNS and self.numbers.issuperset(traits.numbers):
            return self._replace(runs=self.runs + 1)
        return _Told(_relations(runs, traits), frozenset(traits.numbers), 1)


class Predictor:
    """Proposes a job's memory; it learns from one run after the other, the oldest first."""

    def __init__(self, runs: Iterable[PastRun] = ()) -> None:
        self._runs: deque[PastRun] = deque(maxlen=NEWEST_RUNS)
        self._sizes = {level.margin: deque[float](maxlen=NEWEST_RUNS) for level in LEVELS}
        self._remembered = {level.margin: deque[float](maxlen=REMEMBERED_RUNS) for level in LEVELS}
        self._costs: defaultdict[str, float] = defaultdict(float)
        self._judged: defaultdict[str, float] = defaultdict(float)
        self._told = _Told()
        runs = list(runs)
        for number, run in enumerate(runs, start=1):
            self.learn(run, judges=number > len(runs) - JUDGING_RUNS)

    @property
    def most_mb(self) -> int:
        """Return the most that a past run needed, rounded up; 0 where there is none."""
        return coarse(max((run.needed_mb for run in self._runs), default=0.0))

    @property
    def is_sure(self) -> bool:
        """Whether enough runs that ended well are known to say more than their author."""
        well = (run for run in self._runs if not run.is_killed)
        return sum(1 for _ in islice(well, FEWEST_RUNS)) == FEWEST_RUNS

    def learn(self, run: PastRun, *, judges: bool = True) -> None:
        """Judge every guess by a run, then take the run in.

        One that was killed at less than most runs need says nothing new, and must not make the next one smaller.
        """
        if run.is_killed and self._runs and run.needed_mb < median(one.needed_mb for one in self._runs):
            return
        if judges and self.is_sure:
            fade = 0.5 ** (1 / HALF_LIFE)
            self._told = self._told.lately(self._runs, run.traits)
            for name, megabytes in self._guesses(run.traits, run.author_mb, self._told.found):
                self._costs[name] = self._costs[name] * fade + _cost(megabytes, run.needed_mb)
                self._judged[name] = self._judged[name] * fade + 1
        self._runs.append(run)
        for margin, sizes in self._sizes.items():
            sizes.append(run.enough_mb(margin))
            self._remembered[margin].append(sizes[-1])

    def propose(self, traits: Traits, *, author_mb: int, most_mb: int) -> int | None:
        """Return a job's MB, rounded up; None where past runs tell nothing better than its author.

        Parameters
        ----------
        most_mb
            What the pools allow.
        """
        careful = max((run.enough_mb(CAREFUL.margin) for run in self._runs), default=0.0)
        told = _relations(self._runs, traits)
        best = self._best(traits, author_mb, told) if self.is_sure else careful
        if best == author_mb:
            return None
        megabytes = min(coarse(best), most_mb)
        may_be_less = self.is_sure and not self._is_new(traits, told)
        return megabytes if megabytes > 0 and (may_be_less or megabytes > author_mb) else None

    def _best(self, traits: Traits, author_mb: float, told: Relations) -> float:
        """Return the cheapest guess so far; a careful one before any was judged."""
        guesses = dict(self._guesses(traits, author_mb, told))
        judged = [name for name in guesses if self._judged[name] >= JUDGED]
        cheapest = min(judged, key=self._cost_a_run, default=_name("all", CAREFUL))
        return guesses.get(cheapest, 0.0)

    def _cost_a_run(self, name: str) -> float:
        return self._costs[name] / self._judged[name]

    def _guesses(self, traits: Traits, author_mb: float, told: Relations) -> Iterator[tuple[str, float]]:
        if author_mb > 0:
            yield AUTHOR, author_mb
        for shape, like in self._alike(traits, told):
            for level in LEVELS:
                megabytes = _quantile(like, level)
                if megabytes > 0:  # no number at all, maybe: numbers may be anything that somebody typed
                    yield _name(shape, level), min(megabytes, MOST_MEMORY_MB)

    def _alike(self, traits: Traits, told: Relations) -> Iterator[tuple[str, Like]]:
        """Yield which past runs are like a job: all, those of its kind, and all along a line over a number."""
        weights = _weights(len(self._runs), HALF_LIFE)
        yield "all", Like(self._sizes, weights)
        remembered = self._remembered[CAREFUL.margin]
        if len(remembered) > len(self._runs):
            yield "long", Like(self._remembered, _weights(len(remembered), LONG_HALF_LIFE))
        kind = _telling_kind(self._runs, traits)
        of_kind = [
            place
            for place, run in enumerate(self._runs)
            if kind and run.traits.kinds.get(kind) == traits.kinds[kind]
        ]
        if len(of_kind) >= FEWEST_RUNS:
            yield "kind", self._chosen(of_kind, weights)
        number = max(traits.numbers, key=lambda name: told.get(name, 0.0), default="")
        having = [place for place, run in enumerate(self._runs) if number in run.traits.numbers]
        is_known = len(having) >= FEWEST_RUNS  # some may be forgotten since it was told
        if is_known and told.get(number, 0.0) >= RELATED:
            runs = [self._runs[place] for place in having]
            numbers = [run.traits.numbers[number] for run in runs]
            yield "line", self._chosen(having, weights, _along_a_line(runs, numbers, traits.numbers[number]))

    def _chosen(
        self, places: Sequence[int], weights: Sequence[float], factors: Sequence[float] | None = None
    ) -> Like:
        """Return some of the newest runs; the job needs so many times what each did."""
        times = [1.0] * len(places) if factors is None else factors
        sizes = {
            margin: [known[place] * factor for place, factor in zip(places, times, strict=True)]
            for margin, known in self._sizes.items()
        }
        return Like(sizes, [weights[place] for place in places])

    def _is_new(self, traits: Traits, told: Relations) -> bool:
        """Tell whether nothing like a job ever ran: a choice that nobody made, or a number beyond all that may tell something."""
        for name, number in traits.numbers.items():
            seen = [run.traits.numbers[name] for run in self._runs if name in run.traits.numbers]
            if told.get(name, 1.0) >= RELATED and not (seen and min(seen) <= number <= max(seen)):
                return True
        made = {(name, kind) for run in self._runs for name, kind in run.traits.kinds.items()}
        return not made.issuperset(traits.kinds.items())


@lru_cache(maxsize=1024)
def _weights(many: int, half_life: float) -> tuple[float, ...]:
    """Return what so many runs weigh, the oldest first; so many later ones halve the weight of one."""
    return tuple(0.5 ** ((many - 1 - age) / half_life) for age in range(many))


def coarse(megabytes: float) -> int:
    """Round up to one of sixteen steps an octave: others' runs are known no better than that."""
    if megabytes <= 0:
        return 0
    step = 1 << max(0, math.floor(math.log2(megabytes)) - 4)
    return math.ceil(megabytes / step) * step


@lru_cache(maxsize=64)  # a few, asked for a thousand times
def _name(shape: str, level: Level) -> str:
    return f"{shape} {level.part} {level.margin}"


def _cost(megabytes: float, needed_mb: float) -> float:
    """Return what a size would have cost a run, in runs that fit exactly, its failed attempts included."""
    size, cost = coarse(megabytes), 0.0
    while size < needed_mb:
        cost += FAILED_COSTS + KILLED_AFTER * size / needed_mb
        size = next_size(size, peak_mb=size)
    return cost + size / needed_mb


def _quantile(like: Like, level: Level) -> float:
    """Return what is enough for this part of the runs, by weight."""
    enough = like.sizes[level.margin]
    if level.part >= 1:
        return max(enough)
    # From the largest on: few of them are passed until all that may be larger is.
    sizes, weights = list(enough), like.weights
    larger = (1 - level.part) * sum(weights)
    for place in sorted(range(len(sizes)), key=sizes.__getitem__, reverse=True):
        larger -= weights[place]
        if larger < 0:
            return sizes[place]
    return min(sizes)  # the sum was rounded


def _telling_kind(runs: Sequence[PastRun], traits: Traits) -> str | None:
    """Return the choice whose kinds differ most in memory."""
    varied = {}
    for name in traits.kinds:
        kinds = [run.traits.kinds.get(name) for run in runs]
        if len(set(kinds)) > 1:
            varied[name] = kinds
    if len(varied) <= 1:  # nothing to compare, which takes a while
        return next(iter(varied), None)
    return min(varied, key=lambda name: _spread(runs, varied[name]))


def _spread(runs: Iterable[PastRun], kinds: Iterable[Hashable]) -> float:
    """Return how far, together, runs lie from the middle of those of their kind."""
    groups = defaultdict[Hashable, list[float]](list)
    for run, kind in zip(runs, kinds, strict=True):
        groups[kind].append(run.octaves)
    middles = {kind: median(group) for kind, group in groups.items()}
    return sum(abs(one - middles[kind]) for kind, group in groups.items() for one in group)


def _relations(runs: Sequence[PastRun], traits: Traits) -> dict[str, float]:
    """Return how surely memory rises or falls with each number, from 0 to 1; of one that never varied nobody knows."""
    found = {}
    needs_of_all = _Ranks.of([run.needed_mb for run in runs])
    for name in traits.numbers:
        having = [run for run in runs if name in run.traits.numbers]
        numbers = _Ranks.of([run.traits.numbers[name] for run in having])
        if len(having) >= FEWEST_RUNS and numbers.spread:
            has_all = len(having) == len(runs)
            needs = needs_of_all if has_all else _Ranks.of([run.needed_mb for run in having])
            found[name] = abs(_correlation(numbers, needs)) if needs.spread else 0.0
    return found


class _Ranks(NamedTuple):
    """Values in their order as whole numbers; what correlating them asks for is found out once."""

    places: Sequence[int]
    total: int
    spread: int
    """Their number times the sum of their squares, less the square of their sum; 0 of values that are all the same."""

    @classmethod
    def of(cls, values: Sequence[float]) -> "_Ranks":
        place_of = dict(zip(sorted(set(values)), count(), strict=False))
        places = list(map(place_of.__getitem__, values))
        total = sum(places)
        return cls(places, total, len(places) * sum(map(mul, places, places)) - total * total)


def _correlation(first: _Ranks, second: _Ranks) -> float:
    """Return the correlation of two rows of ranks, neither of which is the same throughout.

    `statistics.correlation` gives the same of any numbers, and takes twice as long: it is asked a hundred times while a
    form waits.
    """
    products: int = sum(map(mul, first.places, second.places))
    together = len(first.places) * products - first.total * second.total
    return together / math.sqrt(first.spread * second.spread)


def _along_a_line(runs: Sequence[PastRun], numbers: Sequence[float], at: float) -> list[float]:
    """Return of each run how much more a line over these numbers has at another value.

    The line goes through the middle of what lies between two runs each (Theil and Sen): single runs do not turn it.
    """
    points = [(number, run.needed_mb) for number, run in zip(numbers, runs, strict=True)]
    newest = points[-LINE_RUNS:]
    slopes = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in combinations(newest, 2) if a[0] != b[0]]
    slope = median(slopes) if slopes else 0.0
    start = median(needed - slope * number for number, needed in newest)
    least = max(1.0, min(needed for _, needed in points))
    height = max(least, start + slope * at)
    return [height / max(least, start + slope * number) for number, _ in points]
