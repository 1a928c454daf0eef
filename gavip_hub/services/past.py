"""What the platform knows of run times; read anew now and then, since pages that wait ask every second."""

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from gavip_hub.clock import Clock
from gavip_hub.domain.experience import OPEN_SERVER, Experience
from gavip_hub.storage import jobs, past
from gavip_hub.storage.database import Database

KEPT_FOR = timedelta(minutes=1)
PARTS_KEPT_FOR = timedelta(minutes=5)
"""Longer: all pipelines together change little, and reading it takes longer."""
NEWEST = 50
NEWEST_OF_ALL = 200


class PastRuns:
    """Reads how long jobs of a pipeline ran and servers stayed open, and remembers it for a while."""

    def __init__(self, *, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._runs: dict[str, tuple[datetime, list[float]]] = {}
        self._parts: tuple[datetime, list[float]] | None = None

    def of(self, pipelines: Collection[str]) -> Experience:
        """Return what is known of these pipelines, and of all together."""
        now = self._clock.now()
        with self._database.reading() as session:
            keys = {OPEN_SERVER, *pipelines}
            self._runs |= {key: (now, _times(session, key)) for key in keys if self._is_old(key, now)}
            if self._parts is None or now - self._parts[0] > PARTS_KEPT_FOR:
                self._parts = (now, past.parts_ran(session, limit=NEWEST_OF_ALL))
        return Experience(runs={key: self._runs[key][1] for key in keys}, parts=self._parts[1])

    def _is_old(self, key: str, now: datetime) -> bool:
        return key not in self._runs or now - self._runs[key][0] > KEPT_FOR


def _times(session: Session, key: str) -> list[float]:
    if key == OPEN_SERVER:
        return past.open_for(session, limit=NEWEST)
    avi, _, pipeline = key.partition("/")
    return jobs.ran_for(session, avi=avi, pipeline=pipeline, limit=NEWEST)
