"""Whether memory leaks, told by what one process holds after each of many rounds of the same work (docs/adr/0048)."""

from collections.abc import Sequence
from itertools import accumulate, pairwise
from statistics import median

WARM_UP = 2
"""Rounds in which a process may take what it keeps: imports, fonts, caches."""
FLAT = 3
"""Rounds with hardly any growth, one after the other, that end the doubt."""
LEAST_MB = 0.5
"""Growth of a round that counts: less is the interpreter's own."""
LEAST_ROUNDS = 6
"""Rounds that grew, before anything is called a leak."""
MOST_ROUNDS = 20
MOST_MB = 300.0
"""Growth altogether that no further round is needed to judge."""
_GOES_ON = 0.75
"""Part of the later rounds that grow, where it is a leak."""


def is_settled(held: Sequence[float]) -> bool:
    """Tell whether no further round is needed, given the MB held after each: it is flat, or has grown for long enough."""
    grown = growth(held)
    if len(grown) < FLAT:
        return False
    return len(held) >= MOST_ROUNDS or sum(grown) > MOST_MB or not any(map(_counts, grown[-FLAT:]))


def growth(held: Sequence[float]) -> list[float]:
    """Return by how many MB each round after the warm-up added to the most that was held before it."""
    tops = list(accumulate(held, max))
    return [after - before for before, after in pairwise(tops[WARM_UP - 1 :])]


def leak_of(held: Sequence[float]) -> float | None:
    """Return the MB that a leak takes each round; None where there is none.

    A cache fills, and then holds what it holds: its growth comes to an end, or comes ever more seldom. A leak goes on.
    """
    grown = growth(held)
    rising = [each for each in grown if _counts(each)]
    late = grown[len(grown) // 2 :]
    goes_on = len(late) > 0 and sum(map(_counts, late)) >= _GOES_ON * len(late)
    enough = len(rising) >= LEAST_ROUNDS or (len(rising) >= FLAT and sum(grown) > MOST_MB)
    return median(rising) if goes_on and enough else None


def _counts(grown: float) -> bool:
    return grown >= LEAST_MB
