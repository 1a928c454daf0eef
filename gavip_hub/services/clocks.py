"""The machine's clock is set now and then; what lasts in the database is moved along with it."""

import logging
from datetime import timedelta

from pydantic import BaseModel
from sqlalchemy.orm import Session

from gavip_hub.clock import Clock
from gavip_hub.storage import lasting, settings
from gavip_hub.storage.database import Database, lock_pools

JUMP = timedelta(seconds=30)
"""Less is what a time server corrects in a day, and harms nobody."""
SETTING = "clock"
BY = "the platform"

log = logging.getLogger(__name__)


class Reading(BaseModel):
    """How far a machine's clock is ahead of the one that nobody sets, which begins anew when it boots."""

    boot: str
    ahead: float
    """Seconds."""


class ClockService:
    """Notices that the clock was set, and lets no age in the database change by that.

    The times there are of the machine's clock. Were they left alone, a clock set forward by a day would charge everybody
    a day for what runs, and forget everyone who waits; one set back would keep old things for too long.

    Parameters
    ----------
    boot
        Names this boot of the machine.
    """

    def __init__(self, *, database: Database, clock: Clock, boot: str) -> None:
        self._database = database
        self._clock = clock
        self._boot = boot
        self._known: Reading | None = None

    def look(self) -> None:
        """Compare the two clocks; whoever judges an age asks for it first. One transaction where one was set."""
        seen = self._seen()
        if self._known is not None and abs(seen.ahead - self._known.ahead) < JUMP.total_seconds():
            return
        with self._database.transaction() as session:
            lock_pools(session, SETTING)  # the first ones find no row that they could hold
            self._known = self._settle(session, seen)

    def _settle(self, session: Session, seen: Reading) -> Reading:
        """Move what lasts by the difference to what is kept, and keep what was seen: so it is moved once, whoever looks."""
        text = settings.get(session, SETTING)
        kept = Reading.model_validate_json(text) if text else seen
        by = timedelta(seconds=seen.ahead - kept.ahead)
        if kept.boot == seen.boot and abs(by) >= JUMP:
            log.warning(
                "The machine's clock was set %s by %s: what runs and waits is moved along",
                "forward" if by > timedelta() else "back",
                abs(by),
            )
            before = self._clock.now() - by
            lasting.shift(session, by, until=before if by > timedelta() else None)
        elif text and kept.boot == seen.boot:
            return kept
        settings.put(session, SETTING, seen.model_dump_json(), by=BY, at=self._clock.now())
        return seen

    def _seen(self) -> Reading:
        return Reading(boot=self._boot, ahead=self._clock.now().timestamp() - self._clock.monotonic())
