"""Users' files, measured while something of theirs may write: what is too much is refused at the next start."""

from collections.abc import Callable

from gavip_hub.clock import Clock
from gavip_hub.config import MB, Gavip
from gavip_hub.storage import containers, products, spaces
from gavip_hub.storage.database import Database
from gavip_hub.storage.userspace import UserSpaces

PART_OF_TIME = 0.05
"""Of the time, what measuring one user's space may take: a space of a million files is looked at more seldom."""


class SpaceMeasurer:
    """Knows whose space is to be measured again.

    Parameters
    ----------
    uploaded
        Tells who wrote files from outside since it was asked last.
    """

    def __init__(
        self,
        *,
        database: Database,
        user_spaces: UserSpaces,
        config: Gavip,
        clock: Clock,
        uploaded: Callable[[], set[str]] = set,
    ) -> None:
        self._database = database
        self._uploaded = uploaded
        self._user_spaces = user_spaces
        self._config = config
        self._clock = clock
        self._wrote: set[str] | None = None  # at first everybody may have
        self._rests: dict[str, float] = {}

    def look(self) -> None:
        """Measure whoever may have written since the last look, and who had too much and may have deleted some."""
        with self._database.reading() as session:
            writing = containers.owners_open(session)
            full = spaces.above(session, int(self._config.quota.get("space_mb", 0)))
        wrote = set(self._user_spaces.owners()) if self._wrote is None else self._wrote
        wrote |= self._uploaded()
        now = self._clock.monotonic()
        due = {owner for owner in wrote | writing | full if self._rests.get(owner, now) <= now}
        for owner in sorted(due):
            self._measure(owner)
        # Who rests is not forgotten: what they wrote last is measured once they have rested.
        self._wrote = writing | ((wrote | full) - due)

    def _measure(self, owner: str) -> None:
        began = self._clock.monotonic()
        used = self._user_spaces.used_mb(owner)
        ended = self._clock.monotonic()
        self._rests[owner] = ended + (ended - began) / PART_OF_TIME
        with self._database.transaction() as session:
            used += products.used_bytes(session, owner) // MB
            spaces.put(session, owner, used_mb=used, at=self._clock.now())
