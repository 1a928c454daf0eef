"""Kinds of traces that nobody looked at while the predictor was made: once more other drifts, other tails, other modes.

They were written before they were run, and run once after the last change; nothing may be chosen by them.
"""

from math import exp

from benchmarks.support.ranges import APART, AUTHOR, GROWTH, NOISE, SHARE, SIZE, TAIL
from benchmarks.support.traces import NOTHING, Chance, Sizes, TraceSet, noise


def an_s(chance: Chance, runs: int) -> Sizes:
    """Little more at first, then much, then hardly any more."""
    size, sigma, growth = chance.uniform(*SIZE), chance.uniform(*NOISE), chance.uniform(*GROWTH)
    middle, width = runs * chance.uniform(0.3, 0.7), runs * chance.uniform(0.02, 0.15)
    for number in range(runs):
        part = 1 / (1 + exp((middle - number) / width))
        yield size * (1 + (growth - 1) * part) * noise(chance, sigma), NOTHING


def up_and_down(chance: Chance, runs: int) -> Sizes:
    """A line up to somewhere, and down from there."""
    size, sigma, growth = chance.uniform(*SIZE), chance.uniform(*NOISE), chance.uniform(*GROWTH)
    top = runs * chance.uniform(0.3, 0.7)
    for number in range(runs):
        part = number / top if number < top else (runs - number) / (runs - top)
        yield size * (1 + (growth - 1) * part) * noise(chance, sigma), NOTHING


def ever_faster(chance: Chance, runs: int) -> Sizes:
    """Each month's data are more than those of the month before."""
    size, sigma, growth = chance.uniform(*SIZE), chance.uniform(*NOISE), chance.uniform(*GROWTH)
    for number in range(runs):
        yield size * (1 + (growth - 1) * (number / runs) ** 3) * noise(chance, sigma), NOTHING


def lomax(chance: Chance, runs: int) -> Sizes:
    """What is above a floor is of Pareto's second kind."""
    size, tail, scale = chance.uniform(*SIZE), chance.uniform(*TAIL), chance.uniform(0.5, 2)
    for _ in range(runs):
        yield size * (1 + scale * (chance.paretovariate(tail) - 1)), NOTHING


def dagum(chance: Chance, runs: int) -> Sizes:
    size, tail, shape = chance.uniform(*SIZE), chance.uniform(*TAIL), chance.uniform(0.5, 2)
    for _ in range(runs):
        part = chance.uniform(1e-6, 1 - 1e-6)
        yield size * (part ** (-1 / shape) - 1) ** (-1 / tail), NOTHING


def two_lognormals(chance: Chance, runs: int) -> Sizes:
    """Of one median: mostly narrow, sometimes wide."""
    size, share = chance.uniform(*SIZE), chance.uniform(*SHARE)
    narrow, wide = chance.uniform(0.1, 0.3), chance.uniform(0.8, 1.3)
    for _ in range(runs):
        yield size * noise(chance, wide if chance.random() < share else narrow), NOTHING


def squares(chance: Chance, runs: int) -> Sizes:
    """Memory by the square of what is matched, whose numbers are of an exponential distribution."""
    size, scale = chance.uniform(*SIZE), chance.uniform(0.5, 1.5)
    for _ in range(runs):
        yield size * (1 + scale * chance.expovariate(1) ** 2), NOTHING


def a_mode_that_goes(chance: Chance, runs: int) -> Sizes:
    """Two modes, until the upper one is mended away."""
    size, sigma, apart = chance.uniform(*SIZE), chance.uniform(*NOISE), chance.uniform(*APART)
    share, until = chance.uniform(*SHARE), runs * chance.uniform(0.3, 0.8)
    for number in range(runs):
        is_upper = number < until and chance.random() < share
        yield size * (apart if is_upper else 1) * noise(chance, sigma), NOTHING


def wide_modes(chance: Chance, runs: int) -> Sizes:
    """Two modes, both of them wide."""
    size, apart, share = chance.uniform(*SIZE), chance.uniform(*APART), chance.uniform(*SHARE)
    sigmas = chance.uniform(0.2, 0.4), chance.uniform(0.2, 0.4)
    for _ in range(runs):
        is_upper = chance.random() < share
        yield size * (apart if is_upper else 1) * noise(chance, sigmas[is_upper]), NOTHING


def modes_that_grow(chance: Chance, runs: int) -> Sizes:
    """Two modes, and both drift upwards."""
    size, sigma, apart = chance.uniform(*SIZE), chance.uniform(*NOISE), chance.uniform(*APART)
    share, growth = chance.uniform(*SHARE), chance.uniform(*GROWTH)
    for number in range(runs):
        factor = (apart if chance.random() < share else 1) * growth ** (number / runs)
        yield size * factor * noise(chance, sigma), NOTHING


KINDS = {
    "drift: an S": an_s,
    "drift: up and down": up_and_down,
    "drift: ever faster": ever_faster,
    "tail: Lomax": lomax,
    "tail: Dagum": dagum,
    "tail: two lognormals": two_lognormals,
    "tail: squares": squares,
    "modes: one goes": a_mode_that_goes,
    "modes: both wide": wide_modes,
    "modes: both grow": modes_that_grow,
}
UNSEEN = TraceSet(
    title="kinds never seen",
    first_seed=6001,
    kinds=KINDS,
    goals=KINDS.keys(),
    author=AUTHOR,
)
