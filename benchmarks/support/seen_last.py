"""Kinds of traces by which the predictor lost its bound on failures: other drifts, other tails, other modes than those before.

It missed an inverse gamma's tail, and a log-gamma's by a hair, since the cheapest guess failed more often than was allowed.
"""

from math import exp, pi, sin

from benchmarks.support.ranges import APART, AUTHOR, GROWTH, NOISE, SIZE, TAIL
from benchmarks.support.traces import NOTHING, Chance, Sizes, TraceSet, noise


def it_bends(chance: Chance, runs: int) -> Sizes:
    """A line up, and from somewhere on another."""
    size, sigma = chance.uniform(*SIZE), chance.uniform(*NOISE)
    at, slopes = runs * chance.uniform(0.2, 0.8), [(chance.uniform(*GROWTH) - 1) / runs for _ in range(2)]
    for number in range(runs):
        grown = slopes[0] * min(number, at) + slopes[1] * max(0, number - at)
        yield size * (1 + grown) * noise(chance, sigma), NOTHING


def seasons_on_a_line(chance: Chance, runs: int) -> Sizes:
    size, sigma = chance.uniform(*SIZE), chance.uniform(*NOISE)
    growth, height, period = chance.uniform(*GROWTH), chance.uniform(0.1, 0.4), chance.uniform(40, 200)
    for number in range(runs):
        season = 1 + height * sin(2 * pi * number / period)
        yield size * (1 + (growth - 1) * number / runs) * season * noise(chance, sigma), NOTHING


def it_shrinks(chance: Chance, runs: int) -> Sizes:
    """The code is made thriftier bit by bit."""
    size, sigma, growth = chance.uniform(*SIZE), chance.uniform(*NOISE), chance.uniform(*GROWTH)
    for number in range(runs):
        yield size * growth ** (-number / runs) * noise(chance, sigma), NOTHING


def burr(chance: Chance, runs: int) -> Sizes:
    size, tail, shape = chance.uniform(*SIZE), chance.uniform(*TAIL), chance.uniform(0.8, 1.5)
    for _ in range(runs):
        part = chance.uniform(1e-6, 1 - 1e-6)
        yield size * ((1 - part) ** (-1 / shape) - 1) ** (1 / tail), NOTHING


def log_gamma(chance: Chance, runs: int) -> Sizes:
    size, shape, scale = chance.uniform(*SIZE), chance.uniform(1, 3), chance.uniform(0.25, 0.5)
    for _ in range(runs):
        yield size * exp(chance.gammavariate(shape, scale)), NOTHING


def inverse_gamma(chance: Chance, runs: int) -> Sizes:
    size, shape = chance.uniform(*SIZE), chance.uniform(2, 4)
    for _ in range(runs):
        yield size * shape / max(chance.gammavariate(shape, 1), 1e-3), NOTHING


def two_paretos(chance: Chance, runs: int) -> Sizes:
    """Mostly a thin tail, sometimes a thick one."""
    size, share = chance.uniform(*SIZE), chance.uniform(0.1, 0.5)
    for _ in range(runs):
        tail = 2 if chance.random() < share else 8
        yield size * chance.paretovariate(tail), NOTHING


def five_modes_one_rare(chance: Chance, runs: int) -> Sizes:
    size, sigma, apart = chance.uniform(*SIZE), chance.uniform(*NOISE), chance.uniform(1.2, 1.6)
    weights = [*(chance.uniform(0.1, 1) for _ in range(4)), chance.uniform(0.01, 0.05)]
    for _ in range(runs):
        (step,) = chance.choices(range(5), weights)
        yield size * apart**step * noise(chance, sigma), NOTHING


def modes_that_part(chance: Chance, runs: int) -> Sizes:
    """One mode at first, which becomes two."""
    size, sigma = chance.uniform(*SIZE), chance.uniform(*NOISE)
    apart, share = chance.uniform(*APART), chance.uniform(0.2, 0.6)
    for number in range(runs):
        factor = 1 + (apart - 1) * number / runs if chance.random() < share else 1
        yield size * factor * noise(chance, sigma), NOTHING


KINDS = {
    "drift: it bends": it_bends,
    "drift: season, line": seasons_on_a_line,
    "drift: it shrinks": it_shrinks,
    "tail: Burr": burr,
    "tail: log-gamma": log_gamma,
    "tail: inverse gamma": inverse_gamma,
    "tail: two Paretos": two_paretos,
    "modes: five, one rare": five_modes_one_rare,
    "modes: they part": modes_that_part,
}
SEEN_LAST = TraceSet(
    title="kinds seen before the last change",
    first_seed=5001,
    kinds=KINDS,
    goals=KINDS.keys(),
    author=AUTHOR,
)
