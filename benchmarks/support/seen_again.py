"""Further kinds of traces that were made before they were run: what they showed is why one guess has a long memory now.

It also is why a guess is not dropped for what may be chance. They are no longer unseen.
"""

from math import exp, log, sqrt

from benchmarks.support.ranges import APART, AUTHOR, GROWTH, NOISE, SHARE, SIZE, TAIL
from benchmarks.support.traces import NOTHING, Chance, Sizes, TraceSet, noise


def it_levels_off(chance: Chance, runs: int) -> Sizes:
    """Much more at first, then hardly any more."""
    size, sigma = chance.uniform(*SIZE), chance.uniform(*NOISE)
    more, after = chance.uniform(*GROWTH) - 1, runs * chance.uniform(0.1, 0.5)
    for number in range(runs):
        yield size * (1 + more * (1 - exp(-number / after))) * noise(chance, sigma), NOTHING


def saw_teeth(chance: Chance, runs: int) -> Sizes:
    """What collects is thrown away from time to time."""
    size, sigma = chance.uniform(*SIZE), chance.uniform(*NOISE)
    growth, period = chance.uniform(*GROWTH), chance.randint(30, 150)
    for number in range(runs):
        yield size * growth ** (number % period / period) * noise(chance, sigma), NOTHING


def stairs(chance: Chance, runs: int) -> Sizes:
    """With each release of the archive so much more, and nothing between."""
    size, sigma = chance.uniform(*SIZE), chance.uniform(*NOISE)
    step, length = chance.uniform(1.05, 1.5), chance.randint(40, 120)
    for number in range(runs):
        yield size * step ** (number // length) * noise(chance, sigma), NOTHING


def it_scatters_more(chance: Chance, runs: int) -> Sizes:
    """The middle stays, what two runs differ by grows."""
    size, last = chance.uniform(*SIZE), chance.uniform(0.2, 0.6)
    for number in range(runs):
        yield size * noise(chance, 0.03 + last * number / runs), NOTHING


def wide_lognormal(chance: Chance, runs: int) -> Sizes:
    size, sigma = chance.uniform(*SIZE), chance.uniform(1, 1.5)
    for _ in range(runs):
        yield size * noise(chance, sigma), NOTHING


def frechet(chance: Chance, runs: int) -> Sizes:
    """The largest of many."""
    size, tail = chance.uniform(*SIZE), chance.uniform(*TAIL)
    for _ in range(runs):
        yield size * (-log(chance.uniform(1e-6, 1 - 1e-6))) ** (-1 / tail), NOTHING


def two_exponentials(chance: Chance, runs: int) -> Sizes:
    """Mostly of a small mean, sometimes of a large one."""
    size, share = chance.uniform(*SIZE), chance.uniform(0.02, 0.2)
    larger = chance.uniform(3, 10)
    for _ in range(runs):
        mean = larger if chance.random() < share else 1
        yield size * (0.3 + chance.expovariate(1 / mean)), NOTHING


def students(chance: Chance, runs: int) -> Sizes:
    size, freedom = chance.uniform(*SIZE), chance.uniform(2, 4)
    for _ in range(runs):
        spread = sqrt(chance.gammavariate(freedom / 2, 2) / freedom)
        yield size * (1 + abs(chance.gauss(0, 1)) / max(spread, 1e-3)), NOTHING


def two_modes_one_wild(chance: Chance, runs: int) -> Sizes:
    """The upper of two modes has a tail of its own."""
    size, sigma = chance.uniform(*SIZE), chance.uniform(*NOISE)
    apart, share, tail = chance.uniform(*APART), chance.uniform(*SHARE), chance.uniform(2.5, 5)
    for _ in range(runs):
        factor = apart * chance.paretovariate(tail) if chance.random() < share else 1
        yield size * factor * noise(chance, sigma), NOTHING


def in_turns(chance: Chance, runs: int) -> Sizes:
    """So many of the one, so many of the other, as by day and by night."""
    size, sigma = chance.uniform(*SIZE), chance.uniform(*NOISE)
    apart, one, other = chance.uniform(*APART), chance.randint(2, 30), chance.randint(2, 30)
    for number in range(runs):
        is_upper = number % (one + other) >= one
        yield size * (apart if is_upper else 1) * noise(chance, sigma), NOTHING


def four_modes(chance: Chance, runs: int) -> Sizes:
    size, sigma = chance.uniform(*SIZE), chance.uniform(*NOISE)
    apart = chance.uniform(1.3, 2)
    weights = [chance.uniform(0.1, 1) for _ in range(4)]
    for _ in range(runs):
        (step,) = chance.choices(range(4), weights)
        yield size * apart**step * noise(chance, sigma), NOTHING


KINDS = {
    "drift: levels off": it_levels_off,
    "drift: saw teeth": saw_teeth,
    "drift: stairs": stairs,
    "drift: scatters more": it_scatters_more,
    "tail: lognormal": wide_lognormal,
    "tail: Fréchet": frechet,
    "tail: exponentials": two_exponentials,
    "tail: Student's": students,
    "modes: one wild": two_modes_one_wild,
    "modes: in turns": in_turns,
    "modes: four": four_modes,
}
SEEN_AGAIN = TraceSet(
    title="kinds seen since",
    first_seed=4001,
    kinds=KINDS,
    goals=KINDS.keys(),
    author=AUTHOR,
)
