"""The queue as the scheduler ranked it last, for those who ask in the same process why their job waits."""

from datetime import datetime, timedelta
from itertools import islice

from gavip_hub.clock import Clock
from gavip_hub.domain.policy import Ranking
from gavip_hub.domain.waits import Wait

FRESH = timedelta(seconds=30)
"""An older ranking is of a scheduler that stands by: what is kept with the job counts then."""


class Board:
    """Where the scheduler puts each ranking: with every job, ten thousand rows would be written at each pass."""

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._whole = _Posted([], None)
        self._front = _Posted([], None)

    def post(self, ranking: Ranking, are_all: bool) -> None:
        """Show this ranking from now on: of all that wait, or of the front of a long queue, with the others as before."""
        posted = _Posted(ranking, self._clock.now())
        self._front = posted
        if are_all:
            self._whole = posted

    def wait_of(self, job: str) -> Wait | None:
        """Return why a job waited at the last pass; None where that is long ago, or it was not there."""
        oldest = self._clock.now() - FRESH
        return self._front.wait_of(job, oldest) or self._whole.wait_of(job, oldest)

    def front(self, many: int) -> list[str] | None:
        """Return the first jobs that waited at the last pass, in its order; None where that is long ago."""
        return self._front.first(many, self._clock.now() - FRESH)


class _Posted:
    def __init__(self, ranking: Ranking, at: datetime | None) -> None:
        self._ranking = ranking
        self._at = at
        self._waits: dict[str, Wait] | None = None

    def first(self, many: int, oldest: datetime) -> list[str] | None:
        if self._at is None or self._at < oldest:
            return None
        return list(islice((ranked.job for ranked in self._ranking if ranked.wait), many))

    def wait_of(self, job: str, oldest: datetime) -> Wait | None:
        if self._at is None or self._at < oldest:
            return None
        if self._waits is None:  # made for the first who asks, not at each pass
            self._waits = {ranked.job: ranked.wait for ranked in self._ranking if ranked.wait}
        return self._waits.get(job)
