"""Memory to try after a job ran out of it."""

import math

STEP_MB = 64


def more_after(asked_mb: int, *, peak_mb: float | None, most_mb: int) -> int | None:
    """Return the MB to try after a job ran out of memory; None where its pool allows no more.

    The larger of one and a half times what it asked for and 1.3 times its peak, in steps of 64 MB.

    Parameters
    ----------
    most_mb
        What its owner's pool allows.
    """
    more = min(next_size(asked_mb, peak_mb=peak_mb), most_mb)
    return more if more > asked_mb else None


def next_size(asked_mb: int, *, peak_mb: float | None) -> int:
    """Return the MB to try after a job ran out of memory, whatever its pool allows; see `more_after`."""
    wanted = max(1.5 * asked_mb, 1.3 * (peak_mb or 0))
    return math.ceil(wanted / STEP_MB) * STEP_MB
