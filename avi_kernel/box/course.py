"""Memory and processor time of one box from its start to its end, in as few points as a picture needs."""

from collections.abc import Callable

POINTS = 120
Point = tuple[float, float, float]
"""Seconds since the start, MB held, cores used since the point before."""


class Course:
    """What a box used over time.

    A second lies between two points at first; whenever there are too many, every other is dropped and twice as much
    time lies between them from then on, so that a week takes no more room than two minutes.

    Parameters
    ----------
    memory_mb, cpu_seconds
        What the box holds now, and all that it has used; None where this system does not tell.
    clock
        Seconds, never set back.
    """

    def __init__(
        self,
        *,
        memory_mb: Callable[[], float | None],
        cpu_seconds: Callable[[], float | None],
        clock: Callable[[], float],
    ) -> None:
        self._memory_mb = memory_mb
        self._cpu_seconds = cpu_seconds
        self._clock = clock
        self._start = clock()
        self._last = (0.0, cpu_seconds() or 0.0)
        self.pause = 1.0
        """Seconds to the next look."""
        self.points: list[Point] = []

    def look(self) -> None:
        """Add a point."""
        memory_mb = self._memory_mb()
        if memory_mb is None:
            return
        at, used = self._clock() - self._start, self._cpu_seconds() or 0.0
        since, before = self._last
        cores = max(0.0, used - before) / max(1e-3, at - since)
        self._last = (at, used)
        self.points.append((round(at, 1), round(memory_mb, 1), round(cores, 2)))
        if len(self.points) > POINTS:
            self._thin_out()

    def _thin_out(self) -> None:
        """Make one of each two points, with the greater of what they held and used: peaks are what people look for."""
        pairs = zip(self.points[::2], self.points[1::2], strict=False)
        kept = [(two[0], max(one[1], two[1]), max(one[2], two[2])) for one, two in pairs]
        self.points = kept + self.points[2 * len(kept) :]
        self.pause *= 2
