"""How well memory is proposed: strategies on made traces of one pipeline's runs, by what they reserve and what they fail.

    python -m benchmarks.memory [--runs 400] [--seeds 12] [--tuning]

Cost: memory x time that is reserved, that of failed attempts included, over memory x time that the runs needed (their peaks
for as long as they ran); 1.00 would be perfect. A failed attempt is killed somewhere in the last four fifths of its run, and
the job runs again with more until it ends well. Failures: killed attempts a thousand runs; lost: jobs a thousand that were
killed three times, after which their owner has to start them again.

The predictor's constants were chosen with `--tuning` alone: other seeds, and other ranges of every number of the traces. An
earlier version was evaluated on seeds 1001 to 1012 and missed the goal on drift and heavy tails; it was tuned further on the
tuning traces, and those from 2001 on were first looked at after that.

Medians over seeds. Goal: on drift, heavy tails and two modes at most 50 failures, and less cost than each of the others that
fails no more often than that.
"""

import argparse
import random
import statistics
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import log
from pathlib import Path
from typing import NamedTuple

from typing_extensions import override

sys.path.insert(0, str(Path(__file__).parents[1]))

from gavip_hub.domain.memory import next_size
from gavip_hub.domain.predictor import FEWEST_RUNS, PastRun, Predictor, Traits

POOL_MB = 65_536
LEAST_MB = 40
MOST_FAILURES = 50
GOALS = ("drift", "heavy tail", "two modes")
ATTEMPTS = 3
Range = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Ranges:
    """From where the numbers of a trace are drawn."""

    first_seed: int
    size: Range = (100, 2000)
    noise: Range
    """Sigma of what two runs of the same parameters differ by, as a logarithm."""
    growth: Range
    """Times that memory grows or shrinks from the first run to the last."""
    steps: int
    """Changes of the code a trace, after which it needs another amount."""
    sigma: Range
    tail: Range
    """Exponent of a Pareto distribution: the less, the heavier its tail."""
    apart: Range
    """How many times more the upper mode, or a spike, needs."""
    share: Range
    rare: Range
    powers: Sequence[float]
    """Memory grows with this power of a parameter."""
    author: Sequence[float]
    """What an author gives, over the second largest of the first twenty runs."""


TUNING = Ranges(
    first_seed=1,
    noise=(0.02, 0.08),
    growth=(1.5, 4),
    steps=4,
    sigma=(0.4, 0.9),
    tail=(1.8, 3.5),
    apart=(2, 6),
    share=(0.1, 0.5),
    rare=(0.003, 0.015),
    powers=(1, 1, 2),
    author=(0.8, 1.2, 1.5, 2, 3, 4),
)
EVALUATION = Ranges(
    first_seed=2001,
    size=(60, 4000),
    noise=(0.03, 0.15),
    growth=(2, 8),
    steps=6,
    sigma=(0.5, 1.1),
    tail=(1.6, 3),
    apart=(3, 10),
    share=(0.03, 0.6),
    rare=(0.002, 0.01),
    powers=(0.5, 1, 1.5, 3),
    author=(0.7, 1, 1.3, 1.8, 2.5, 5),
)


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run of a trace: what it needs, whatever it is given."""

    needs_mb: float
    seconds: float
    killed_after: float
    """The part of its time after which it holds more than it was given, if it was given too little."""
    traits: Traits = field(default_factory=Traits)


Chance = random.Random
Sizes = Iterator[tuple[float, Traits]]
NOTHING = Traits()


def noise(chance: Chance, sigma: float) -> float:
    return chance.lognormvariate(0, sigma)


def steady(chance: Chance, ranges: Ranges, runs: int) -> Sizes:
    size, sigma = chance.uniform(*ranges.size), chance.uniform(*ranges.noise)
    for _ in range(runs):
        yield size * noise(chance, sigma), NOTHING


def drift(chance: Chance, ranges: Ranges, runs: int) -> Sizes:
    """Data grow with each month; sometimes the code is made thriftier."""
    size, sigma = chance.uniform(*ranges.size), chance.uniform(*ranges.noise)
    growth, grows = chance.uniform(*ranges.growth), chance.random() < 0.6
    for number in range(runs):
        yield size * growth ** ((number if grows else runs - number) / runs) * noise(chance, sigma), NOTHING


def releases(chance: Chance, ranges: Ranges, runs: int) -> Sizes:
    size, sigma = chance.uniform(*ranges.size), chance.uniform(*ranges.noise)
    for _ in range(runs):
        if chance.random() < ranges.steps / runs:
            size *= chance.choice([0.5, 0.7, 1.4, 2])
        yield size * noise(chance, sigma), NOTHING


def heavy_tail(chance: Chance, ranges: Ranges, runs: int) -> Sizes:
    size, sigma, tail = (
        chance.uniform(*ranges.size),
        chance.uniform(*ranges.sigma),
        chance.uniform(*ranges.tail),
    )
    is_pareto = chance.random() < 0.5
    for _ in range(runs):
        yield size * (chance.paretovariate(tail) if is_pareto else noise(chance, sigma)), NOTHING


def two_modes(chance: Chance, ranges: Ranges, runs: int) -> Sizes:
    """No parameter tells which it will be."""
    yield from _sometimes(chance, ranges, runs, share=chance.uniform(*ranges.share))


def rare_spikes(chance: Chance, ranges: Ranges, runs: int) -> Sizes:
    yield from _sometimes(chance, ranges, runs, share=chance.uniform(*ranges.rare))


def _sometimes(chance: Chance, ranges: Ranges, runs: int, *, share: float) -> Sizes:
    size, sigma = chance.uniform(*ranges.size), chance.uniform(*ranges.noise)
    apart = chance.uniform(*ranges.apart)
    for _ in range(runs):
        yield size * (apart if chance.random() < share else 1) * noise(chance, sigma), NOTHING


def a_choice(chance: Chance, ranges: Ranges, runs: int) -> Sizes:
    """A choice tells of memory, and a switch beside it does not."""
    sigma = chance.uniform(*ranges.noise)
    sizes = [chance.uniform(*ranges.size) for _ in range(chance.randint(2, 5))]
    for _ in range(runs):
        choice = chance.randrange(len(sizes))
        kinds = {"target": choice, "densities": chance.random() < 0.5}
        yield sizes[choice] * noise(chance, sigma), Traits(kinds=kinds)


def a_number(chance: Chance, ranges: Ranges, runs: int) -> Sizes:
    """A number tells of memory, and another beside it does not."""
    base, sigma, power = chance.uniform(80, 400), chance.uniform(*ranges.noise), chance.choice(ranges.powers)
    largest, reach = chance.uniform(3, 20), chance.uniform(500, 4000)
    for _ in range(runs):
        radius = chance.uniform(0.1, largest)
        traits = Traits(numbers={"radius": radius, "bins": chance.uniform(10, 200)})
        yield (base + reach * (radius / largest) ** power) * noise(chance, sigma), traits


TRACES: Mapping[str, Callable[[Chance, Ranges, int], Sizes]] = {
    "steady": steady,
    "drift": drift,
    "new releases": releases,
    "heavy tail": heavy_tail,
    "two modes": two_modes,
    "rare spikes": rare_spikes,
    "by a choice": a_choice,
    "by a number": a_number,
}


def made(name: str, ranges: Ranges, seed: int, runs: int) -> tuple[list[Run], int]:
    """Return a trace and what its author gives."""
    chance = random.Random(f"{name} {seed}")
    trace = [
        Run(
            needs_mb=min(max(size, LEAST_MB), 0.9 * POOL_MB),
            seconds=chance.lognormvariate(log(300), 0.8),
            killed_after=chance.uniform(0.2, 1),
            traits=traits,
        )
        for size, traits in TRACES[name](chance, ranges, runs)
    ]
    second = sorted(run.needs_mb for run in trace[:20])[-2]
    return trace, round(second * chance.choice(ranges.author))


class Fixed:
    """What the author gives; after a kill what the button of the job's page offers."""

    def __init__(self, author_mb: int) -> None:
        self.author_mb = author_mb

    def first(self, traits: Traits) -> int:  # noqa: ARG002 - others look at it
        """Return what a job is given."""
        return self.author_mb

    def after(self, size: int) -> int:
        """Return what it is given after it was killed with this."""
        return next_size(size, peak_mb=size)

    def learn(self, run: Run, size: int) -> None:
        """Take in a run that ended well with this size."""


class NfCore(Fixed):
    """nf-core's `memory = 6.GB * task.attempt`: what the author gives, times the attempt."""

    @override
    def after(self, size: int) -> int:
        return size + self.author_mb


class MaximumSoFar(Fixed):
    """What the largest run needed, and a tenth more; what the author gives for the first ones."""

    def __init__(self, author_mb: int) -> None:
        super().__init__(author_mb)
        self._runs, self._most = 0, 0.0

    @override
    def first(self, traits: Traits) -> int:
        seen = round(1.1 * self._most)
        return seen if self._runs >= FEWEST_RUNS else max(self.author_mb, seen)

    @override
    def learn(self, run: Run, size: int) -> None:
        self._runs, self._most = self._runs + 1, max(self._most, run.needs_mb)


class Ours(Fixed):
    """What the platform proposes, by the same code."""

    def __init__(self, author_mb: int) -> None:
        super().__init__(author_mb)
        self._predictor = Predictor()

    @override
    def first(self, traits: Traits) -> int:
        found = self._predictor.propose(traits, author_mb=self.author_mb, most_mb=POOL_MB)
        return self.author_mb if found is None else found

    @override
    def learn(self, run: Run, size: int) -> None:
        self._predictor.learn(PastRun(peak_mb=run.needs_mb, asked_mb=size, traits=run.traits))


STRATEGIES: Mapping[str, Callable[[int], Fixed]] = {
    "author's": Fixed,
    "nf-core": NfCore,
    "maximum x 1.1": MaximumSoFar,
    "ours": Ours,
}


class Score(NamedTuple):
    """How a strategy did on a trace; failures and losses a thousand runs."""

    cost: float
    failures: float
    lost: float


def score(strategy: Fixed, trace: Sequence[Run]) -> Score:
    reserved, failures, lost = 0.0, 0, 0
    for run in trace:
        size, attempts = strategy.first(run.traits), 1
        while size < run.needs_mb:
            reserved += size * run.seconds * run.killed_after
            size, attempts = min(strategy.after(size), POOL_MB), attempts + 1
        reserved += size * run.seconds
        failures += attempts - 1
        lost += attempts > ATTEMPTS
        strategy.learn(run, size)
    needed = sum(run.needs_mb * run.seconds for run in trace)
    return Score(reserved / needed, 1000 * failures / len(trace), 1000 * lost / len(trace))


def medians(name: str, ranges: Ranges, *, seeds: int, runs: int) -> dict[str, Score]:
    """Return how each strategy does on traces of this name."""
    traces = [made(name, ranges, ranges.first_seed + number, runs) for number in range(seeds)]
    found = {}
    for strategy, make in STRATEGIES.items():
        scores = [score(make(author_mb), trace) for trace, author_mb in traces]
        found[strategy] = Score(*(statistics.median(column) for column in zip(*scores, strict=True)))
    return found


def main() -> int:
    """Measure, print, and tell by the exit status whether the goals were reached."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=400)
    parser.add_argument("--seeds", type=int, default=12)
    parser.add_argument("--tuning", action="store_true", help="the traces by which constants were chosen")
    chosen = parser.parse_args()
    ranges = TUNING if chosen.tuning else EVALUATION
    last = ranges.first_seed + chosen.seeds - 1
    print(
        f"{'tuning' if chosen.tuning else 'evaluation'}: seeds {ranges.first_seed} to {last}, {chosen.runs} runs each"
    )
    print(f"{'cost / failures / lost':<22}" + "".join(f"{name:>22}" for name in STRATEGIES))
    reached = [report(name, ranges, seeds=chosen.seeds, runs=chosen.runs) for name in TRACES]
    return 0 if all(reached) else 1


def report(name: str, ranges: Ranges, *, seeds: int, runs: int) -> bool:
    """Print a row; return whether what has to be reached on it is."""
    found = medians(name, ranges, seeds=seeds, runs=runs)
    cells = "".join(
        f"{f'{one.cost:.2f} / {one.failures:.0f} / {one.lost:.0f}':>22}" for one in found.values()
    )
    print(f"{name:<22}{cells}", flush=True)
    ours = found.pop("ours")
    rivals = [one for one in found.values() if one.failures <= MOST_FAILURES]
    is_better = ours.failures <= MOST_FAILURES and all(ours.cost < one.cost for one in rivals)
    return is_better or name not in GOALS


if __name__ == "__main__":
    sys.exit(main())
