"""What happens to servers by itself: room for those who wait, and a ledger that agrees with the Hub."""

import logging
from datetime import timedelta

from gavip_hub.clock import Clock
from gavip_hub.exceptions import GavipError
from gavip_hub.services.opening import OpeningService
from gavip_hub.services.reservations import ReservationService
from gavip_hub.threads import Threads

TICK_SECONDS = 2.0
RECONCILE_EVERY = 60.0
TOO_NEW = timedelta(seconds=120)
"""Rows younger than this may be of servers that the Hub does not list yet."""

log = logging.getLogger(__name__)


class ServerKeeper:
    """Looks after reservations and the ledger of servers; all it knows is in the database."""

    def __init__(
        self,
        *,
        reservations: ReservationService,
        opening: OpeningService,
        clock: Clock,
        threads: Threads,
    ) -> None:
        self._reservations = reservations
        self._opening = opening
        self._clock = clock
        self._threads = threads
        self._reconciled_at = clock.monotonic() - RECONCILE_EVERY

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            try:
                await self.tick()
            except GavipError as error:
                log.warning("Servers are looked after again soon: %s", error)
            except Exception:  # the database may be away; the next tick tries again
                log.exception("Servers could not be looked after")
            await self._clock.sleep(TICK_SECONDS)

    async def tick(self) -> None:
        """Look once."""
        await self._threads(self._reservations.tend)
        if self._clock.monotonic() - self._reconciled_at >= RECONCILE_EVERY:
            self._reconciled_at = self._clock.monotonic()
            await self._opening.reconcile(self._clock.now() - TOO_NEW)
