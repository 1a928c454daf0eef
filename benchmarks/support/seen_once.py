"""Kinds of traces that were made after the predictor's constants were chosen: other drifts, other tails, other modes.

No constant was chosen by them. They were run once; what they showed is why the author's figure is one of the guesses now, and so
they are no longer unseen.
"""

from math import pi, sin

from benchmarks.support.ranges import APART, AUTHOR, GROWTH, NOISE, SHARE, SIZE, TAIL
from benchmarks.support.traces import NOTHING, Chance, Sizes, TraceSet, noise


def a_line_up(chance: Chance, runs: int) -> Sizes:
    """As much more with each run; what two runs differ by does not grow along."""
    size, sigma = chance.uniform(*SIZE), chance.uniform(*NOISE)
    rate = (chance.uniform(*GROWTH) - 1) / runs
    for number in range(runs):
        yield size * (1 + rate * number + chance.gauss(0, sigma)), NOTHING


def seasons(chance: Chance, runs: int) -> Sizes:
    """Up and down again, as what is observed over a year."""
    size, sigma = chance.uniform(*SIZE), chance.uniform(*NOISE)
    height, period, begin = chance.uniform(0.2, 0.7), chance.uniform(40, 200), chance.uniform(0, 2 * pi)
    for number in range(runs):
        yield (
            size * (1 + height * sin(begin + 2 * pi * number / period)) * noise(chance, sigma),
            NOTHING,
        )


def a_jump(chance: Chance, runs: int) -> Sizes:
    """Once, somewhere in the middle, another amount for good: more of it, or sometimes less."""
    size, sigma = chance.uniform(*SIZE), chance.uniform(*NOISE)
    at = runs * chance.uniform(0.2, 0.8)
    factor = chance.uniform(*GROWTH) ** chance.choice([1, 1, -1])
    for number in range(runs):
        yield size * (factor if number >= at else 1) * noise(chance, sigma), NOTHING


def a_walk(chance: Chance, runs: int) -> Sizes:
    """Nobody knows whether up or down: each run goes on from the one before."""
    size, sigma = chance.uniform(*SIZE), chance.uniform(*NOISE)
    step = chance.uniform(0.02, 0.06)
    for _ in range(runs):
        size *= noise(chance, step)
        yield size * noise(chance, sigma), NOTHING


def stretched_tail(chance: Chance, runs: int) -> Sizes:
    """Weibull's, with a shape below 1."""
    size, shape = chance.uniform(*SIZE), chance.uniform(0.5, 0.9)
    for _ in range(runs):
        yield size * chance.weibullvariate(1, shape), NOTHING


def log_logistic_tail(chance: Chance, runs: int) -> Sizes:
    size, tail = chance.uniform(*SIZE), chance.uniform(*TAIL)
    for _ in range(runs):
        part = chance.uniform(1e-6, 1 - 1e-6)
        yield size * (part / (1 - part)) ** (1 / tail), NOTHING


def bursts(chance: Chance, runs: int) -> Sizes:
    """Large runs come in crowds, each of Pareto's distribution."""
    size, sigma = chance.uniform(*SIZE), chance.uniform(*NOISE)
    tail, begins, goes_on = chance.uniform(*TAIL), chance.uniform(0.01, 0.05), chance.uniform(0.8, 0.95)
    is_large = False
    for _ in range(runs):
        is_large = chance.random() < (goes_on if is_large else begins)
        yield size * noise(chance, sigma) * (2 * chance.paretovariate(tail) if is_large else 1), NOTHING


def three_modes(chance: Chance, runs: int) -> Sizes:
    size, sigma = chance.uniform(*SIZE), chance.uniform(*NOISE)
    middle, upper = sorted(chance.uniform(*APART) for _ in range(2))
    weights = [chance.uniform(0.1, 1) for _ in range(3)]
    for _ in range(runs):
        (factor,) = chance.choices((1, middle, upper), weights)
        yield size * factor * noise(chance, sigma), NOTHING


def modes_that_stay(chance: Chance, runs: int) -> Sizes:
    """Two modes; a run is mostly of that of the one before."""
    size, sigma = chance.uniform(*SIZE), chance.uniform(*NOISE)
    apart, leaves = chance.uniform(*APART), (chance.uniform(0.03, 0.2), chance.uniform(0.03, 0.2))
    is_upper = False
    for _ in range(runs):
        if chance.random() < leaves[is_upper]:
            is_upper = not is_upper
        yield size * (apart if is_upper else 1) * noise(chance, sigma), NOTHING


def modes_that_change(chance: Chance, runs: int) -> Sizes:
    """Two modes, of which one comes more and more often."""
    size, sigma = chance.uniform(*SIZE), chance.uniform(*NOISE)
    apart = chance.uniform(*APART)
    first, last = chance.uniform(*SHARE), chance.uniform(*SHARE)
    for number in range(runs):
        share = first + (last - first) * number / runs
        yield size * (apart if chance.random() < share else 1) * noise(chance, sigma), NOTHING


KINDS = {
    "drift: a line up": a_line_up,
    "drift: seasons": seasons,
    "drift: a jump": a_jump,
    "drift: a walk": a_walk,
    "tail: stretched": stretched_tail,
    "tail: log-logistic": log_logistic_tail,
    "tail: bursts": bursts,
    "modes: three": three_modes,
    "modes: they stay": modes_that_stay,
    "modes: shares change": modes_that_change,
}
SEEN_ONCE = TraceSet(
    title="kinds seen once",
    first_seed=3001,
    kinds=KINDS,
    goals=KINDS.keys(),
    author=AUTHOR,
)
