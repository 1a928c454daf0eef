"""How much memory the runs of a made pipeline need, one after the other: the kinds on which the predictor was tuned.

`TUNING` and `EVALUATION` draw the numbers of the same kinds from ranges of their own.
"""

import random
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from gavip_hub.domain.predictor import Traits

Range = tuple[float, float]
Chance = random.Random
Sizes = Iterator[tuple[float, Traits]]
NOTHING = Traits()
Kind = Callable[[Chance, int], Sizes]
"""Gives what so many runs need."""


@dataclass(frozen=True, kw_only=True)
class TraceSet:
    """Kinds of traces that are looked at together."""

    title: str
    first_seed: int
    kinds: Mapping[str, Kind]
    goals: Collection[str]
    """The kinds on which the goal is to be reached."""
    author: Sequence[float]
    """What an author gives, over the second largest of the first twenty runs."""


@dataclass(frozen=True, kw_only=True)
class Ranges:
    """From where the numbers of a trace are drawn."""

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


OF_TUNING = Ranges(
    noise=(0.02, 0.08),
    growth=(1.5, 4),
    steps=4,
    sigma=(0.4, 0.9),
    tail=(1.8, 3.5),
    apart=(2, 6),
    share=(0.1, 0.5),
    rare=(0.003, 0.015),
    powers=(1, 1, 2),
)
OF_EVALUATION = Ranges(
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
)


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


def _drawn_from(ranges: Ranges, kind: Callable[[Chance, Ranges, int], Sizes]) -> Kind:
    return lambda chance, runs: kind(chance, ranges, runs)


KINDS: Mapping[str, Callable[[Chance, Ranges, int], Sizes]] = {
    "steady": steady,
    "drift": drift,
    "new releases": releases,
    "heavy tail": heavy_tail,
    "two modes": two_modes,
    "rare spikes": rare_spikes,
    "by a choice": a_choice,
    "by a number": a_number,
}
GOALS = ("drift", "heavy tail", "two modes")
TUNING = TraceSet(
    title="tuning",
    first_seed=1,
    kinds={name: _drawn_from(OF_TUNING, kind) for name, kind in KINDS.items()},
    goals=GOALS,
    author=(0.8, 1.2, 1.5, 2, 3, 4),
)
EVALUATION = TraceSet(
    title="evaluation",
    first_seed=2001,
    kinds={name: _drawn_from(OF_EVALUATION, kind) for name, kind in KINDS.items()},
    goals=GOALS,
    author=(0.7, 1, 1.3, 1.8, 2.5, 5),
)
