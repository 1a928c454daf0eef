"""Places in the queue of those who wait for room to open an interface."""

from datetime import timedelta

from sqlalchemy.orm import Session

from avi_kernel.protocol.api import ServerView
from gavip_hub.clock import Clock
from gavip_hub.domain.container import Kind
from gavip_hub.domain.quota import PLATFORM, Shortage
from gavip_hub.exceptions import NoRoom
from gavip_hub.services.promises import ASKED_AT, asked_at, holds_up, promised, wanted_by
from gavip_hub.services.quotas import QuotaService
from gavip_hub.services.servers import ServerService, add_row, tell
from gavip_hub.services.wishes import Wish
from gavip_hub.storage import containers, servers
from gavip_hub.storage.database import Database
from gavip_hub.storage.schema import Container

PATIENCE = timedelta(minutes=30)
"""How long a place is kept for somebody who does not ask again."""
HELD_FOR = timedelta(seconds=90)
ROOM = "room"
"""State of the event that tells the waiting page to start its server now."""


class ReservationService:
    """Who waits for an interface; a reservation holds nothing until it fits, and then its whole room for a while.

    The page that waits starts the server itself, with its own user's token: the platform keeps none.
    """

    def __init__(
        self, *, database: Database, quotas: QuotaService, servers: ServerService, clock: Clock
    ) -> None:
        self._database = database
        self._quotas = quotas
        self._servers = servers
        self._clock = clock

    def wait_if_full(self, wish: Wish) -> ServerView | None:
        """Return None where there is room now, else the place in the queue.

        Raises
        ------
        NoRoom
            Waiting would not help: the user has as many servers as the quota allows.
        TooLarge
            It would not fit even alone.
        """
        self._quotas.require_possible(owner=wish.owner, groups=wish.groups, want=wish.want)
        with self._database.transaction() as session:
            mine = servers.reservations(session, owner=wish.owner, ref=wish.ref)
            held = next((row for row in mine if row.memory_mb), None)
            if held is not None:
                return None
            ahead = promised(session, self._quotas, at=self._clock.now(), before=mine[0] if mine else None)
            short = self._quotas.room(
                session, owner=wish.owner, groups=wish.groups, want=wish.want, promised=ahead
            )
            if short is None:
                return None
            if short.limit == "servers" and not mine:
                raise NoRoom(f"It {short.words}: close one of your servers first.")
            row = mine[0] if mine else self._add(session, wish)
            row.backend_state = {**row.backend_state, ASKED_AT: self._clock.now().isoformat()}
            self._explain(session, row, short)
            session.flush()
            return self._servers.view(row)

    def tend(self) -> None:
        """Hold room for those who wait longest, and forget those who left."""
        with self._database.reading() as session:
            if not servers.reservations(session):
                return
        with self._database.transaction() as session:
            waiting = servers.reservations(session)
            for row in waiting:
                self._forget_old(session, row)
            for row in [row for row in waiting if row.closed_at is None and not row.memory_mb]:
                short = self._promote(session, row)
                if short is not None and short.pool == PLATFORM and holds_up(row, at=self._clock.now()):
                    break  # who came later must not take what the first one waits for

    def _add(self, session: Session, wish: Wish) -> Container:
        row = add_row(session, wish, at=self._clock.now(), kind=Kind.RESERVATION)
        row.backend_state = {
            "memory_mb": wish.memory_mb,
            "cpu": wish.cpu,
            "groups": wish.groups,
            ASKED_AT: row.created_at.isoformat(),
        }
        row.memory_mb, row.cpu = 0, 0.0
        return row

    def _explain(self, session: Session, row: Container, short: Shortage) -> None:
        reason = f"It {short.words}; it starts when there is room."
        if row.reason != reason:
            row.reason = reason
            session.flush()
            tell(session, row, "waiting", at=self._clock.now())

    def _promote(self, session: Session, row: Container) -> Shortage | None:
        want, groups = wanted_by(row), row.backend_state["groups"]
        short = self._quotas.room(session, owner=row.owner, groups=groups, want=want)
        if short is not None:
            self._explain(session, row, short)
            return short
        row.memory_mb, row.cpu = want.memory_mb, want.cpu
        row.ready_at = self._clock.now()
        row.reason = f"There is room now, and it is held for {HELD_FOR.seconds} seconds."
        session.flush()
        tell(session, row, ROOM, at=self._clock.now())
        return None

    def _forget_old(self, session: Session, row: Container) -> None:
        now = self._clock.now()
        left = now - asked_at(row) > PATIENCE or (row.ready_at is not None and now - row.ready_at > HELD_FOR)
        if left and containers.close(session, row.id, at=now):
            row.closed_at = now
            row.reason = "Nobody came for it."
            session.flush()
            tell(session, row, "stopped", at=now)
