"""The queue as the scheduler ranked it last, for those who ask in the same process why their job waits."""

from datetime import datetime, timedelta

from gavip_hub.clock import Clock
from gavip_hub.domain.policy import Ranking
from gavip_hub.domain.waits import Wait

FRESH = timedelta(seconds=30)
"""An older ranking is of a scheduler that stands by: what is kept with the job counts then."""


class Board:
    """Where the scheduler puts each ranking: with every job, ten thousand rows would be written at each pass."""

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._ranking: Ranking = []
        self._at: datetime | None = None
        self._waits: dict[str, Wait] | None = {}

    def post(self, ranking: Ranking) -> None:
        """Show this ranking from now on."""
        self._ranking, self._at, self._waits = ranking, self._clock.now(), None

    def wait_of(self, job: str) -> Wait | None:
        """Return why a job waited at the last pass; None where that is long ago, or it was not there."""
        if self._at is None or self._clock.now() - self._at > FRESH:
            return None
        if self._waits is None:  # made for the first who asks, not at each pass
            self._waits = {ranked.job: ranked.wait for ranked in self._ranking if ranked.wait}
        return self._waits.get(job)
