"""Places in the queue of those who wait for room to open an interface."""

from collections.abc import Callable
from datetime import datetime, timedelta
from math import inf

from sqlalchemy.orm import Session

from avi_kernel.protocol.api import Estimate, ServerView, WaitView
from gavip_hub.clock import Clock
from gavip_hub.domain.container import Kind
from gavip_hub.domain.quota import Shortage
from gavip_hub.domain.rooms import Rooms
from gavip_hub.domain.waits import Wait
from gavip_hub.exceptions import Conflict, NoRoom
from gavip_hub.services.past import PastRuns
from gavip_hub.services.promises import asked_at, promised_before, rooms, wanted_by
from gavip_hub.services.quotas import QuotaService
from gavip_hub.services.room_waits import NOUN, estimate_of, room_view
from gavip_hub.services.server_rows import add_row, holds, tell
from gavip_hub.services.servers import ServerService
from gavip_hub.services.wishes import Wish
from gavip_hub.storage import containers, servers
from gavip_hub.storage.database import Database
from gavip_hub.storage.lasting import ASKED_AT
from gavip_hub.storage.schema import Container

PATIENCE = timedelta(minutes=30)
"""How long a place is kept for somebody who does not ask again."""
HELD_FOR = timedelta(seconds=90)
ROOM = "room"
"""State of the event that tells the waiting page to start its server now."""


class ReservationService:
    """Who waits for an interface; a reservation holds nothing until it fits, and then its whole room for a while.

    The page that waits starts the server itself, with its own user's token: the platform keeps none.

    Parameters
    ----------
    held
        Returns why nothing may start now, whoever's turn it is, or nothing.
    """

    def __init__(
        self,
        *,
        database: Database,
        quotas: QuotaService,
        servers: ServerService,
        past_runs: PastRuns,
        clock: Clock,
        held: Callable[[], str] = str,
    ) -> None:
        self._database = database
        self._quotas = quotas
        self._servers = servers
        self._past_runs = past_runs
        self._clock = clock
        self._held = held
        self._held_at = -inf

    def wait_if_full(self, wish: Wish) -> ServerView | None:
        """Return None where there is room now, else the place in the queue, which is kept while nothing may start.

        Raises
        ------
        NoRoom
            Waiting would not help: the user has as many servers as the quota allows.
        TooLarge
            It would not fit even alone.
        """
        self._quotas.require_possible(owner=wish.owner, groups=wish.groups, want=wish.want)
        held = self._held()
        with self._database.transaction() as session:
            self._quotas.hold(session, wish.owner)
            row = self._place(session, wish, may_start=not held)
            short = self._short_of(session, wish, row)
            if short is not None:
                row = self._queue(session, wish, row, short)
            if row is None or not (short or held):
                return None
            session.flush()
            view = self._servers.view(row)
        # Not kept with the row: how much is free changes all the time, on a disk that is full.
        return view.model_copy(update={"reason": f"It waits: {held}."}) if held else view

    def tend(self) -> None:
        """Hold room for those who wait longest, and forget those who left; neither while nothing may start."""
        if self._held():
            self._held_at = self._clock.monotonic()
            return
        with self._database.reading() as session:
            owners = servers.who_waits(session)
        if not owners:
            return
        now = self._clock.now()
        with self._database.transaction() as session:
            self._quotas.hold(session, *owners)
            rows = [row for row in servers.reservations(session) if row.owner in owners]
            for row in rows if self._could_come() else ():
                self._forget_old(session, row)
            there = [row for row in rows if row.closed_at is None]
            answers = rooms(session, self._quotas, there, at=now).answers()
            for row in there:
                if row.id in answers:
                    self._answer(session, row, answers[row.id])

    def why(self, *, owner: str, name: str) -> WaitView:
        """Tell why an interface does not open yet, and what would open it sooner.

        Raises
        ------
        NotFound
            The owner waits for none of this name, nor is one open.
        Conflict
            It does not wait.
        """
        now = self._clock.now()
        with self._database.reading() as session:
            rows = servers.reservations(session)
            row = next((row for row in rows if (row.owner, row.ref) == (owner, name)), None)
            queue = rooms(session, self._quotas, rows, at=now)
            found = room_view(session, row, queue.answers().get(row.id)) if row else None
        if row is None or found is None:
            view = self._servers.get(owner=owner, name=name)
            raise Conflict(f"{name} does not wait: it is {view.state}.")
        if held := self._held():
            return found.model_copy(update={"reason": f"waits: {held}"})
        return found.model_copy(update={"estimate": self._estimate(queue, row.id)}) if found.limits else found

    def _estimate(self, queue: Rooms, row: str) -> Estimate | None:
        experience = self._past_runs.of({held.pipeline for held in queue.holdings if held.pipeline})
        start = queue.opens_at(row, experience)
        return estimate_of(queue, start, experience) if start else None

    def _could_come(self) -> bool:
        """Tell whether starts were possible for as long as room is held: who could not come has not stayed away."""
        return self._clock.monotonic() - self._held_at > HELD_FOR.total_seconds()

    def _place(self, session: Session, wish: Wish, *, may_start: bool) -> Container | None:
        """Return the place of a wish, unless it holds room for a smaller version: the larger one waits behind all others."""
        row = next(iter(servers.reservations(session, owner=wish.owner, ref=wish.ref)), None)
        if row is None or not row.memory_mb or holds(row, wish) or not may_start:
            return row
        containers.close(session, row.id, at=self._clock.now())
        return None

    def _short_of(self, session: Session, wish: Wish, row: Container | None) -> Shortage | None:
        """Return what is missing for a wish or its place; nothing is where room is held for it."""
        now = self._clock.now()
        if row is not None and row.memory_mb:
            return None
        if row is not None:
            _ask_again(row, wish, at=now)
        return self._quotas.room(
            session,
            owner=wish.owner,
            groups=wish.groups,
            want=wanted_by(row) if row else wish.want,
            promised=promised_before(session, self._quotas, row, at=now),
        )

    def _queue(self, session: Session, wish: Wish, row: Container | None, short: Shortage) -> Container:
        """Return the place of a wish in the queue, a new one if need be, with why it waits."""
        if short.limit == "servers":
            raise NoRoom(f"It {short.words}: close one of your servers first.")
        row, now = row or self._add(session, wish), self._clock.now()
        wait = rooms(session, self._quotas, servers.reservations(session), at=now).answers()[row.id]
        self._explain(session, row, wait.words_of(NOUN) if wait else short.words)
        return row

    def _add(self, session: Session, wish: Wish) -> Container:
        row = add_row(session, wish, at=self._clock.now(), kind=Kind.RESERVATION)
        _ask_again(row, wish, at=row.created_at)
        row.memory_mb, row.cpu = 0, 0.0
        session.flush()
        return row

    def _answer(self, session: Session, row: Container, wait: Wait | None) -> None:
        if wait is not None:
            self._explain(session, row, wait.words_of(NOUN))
            return
        want = wanted_by(row)
        row.memory_mb, row.cpu = want.memory_mb, want.cpu
        row.ready_at = self._clock.now()
        row.reason = f"There is room now, and it is held for {HELD_FOR.seconds} seconds."
        session.flush()
        tell(session, row, ROOM, at=self._clock.now())

    def _explain(self, session: Session, row: Container, words: str) -> None:
        reason = f"It {words}."
        if row.reason != reason:
            row.reason = reason
            session.flush()
            tell(session, row, "waiting", at=self._clock.now())

    def _forget_old(self, session: Session, row: Container) -> None:
        now = self._clock.now()
        left = now - asked_at(row) > PATIENCE or (row.ready_at is not None and now - row.ready_at > HELD_FOR)
        if left and containers.close(session, row.id, at=now):
            row.closed_at = now
            row.reason = "Nobody came for it."
            session.flush()
            tell(session, row, "stopped", at=now)


def _ask_again(row: Container, wish: Wish, *, at: datetime) -> None:
    """Note that somebody still waits, and for what: it may be another version by now."""
    row.version = wish.release.version if wish.release else None
    row.backend_state = {
        "memory_mb": wish.memory_mb,
        "cpu": wish.cpu,
        "groups": wish.groups,
        ASKED_AT: at.isoformat(),
    }
