"""Interfaces that the platform closes: which give way to those who wait, with notice, and what their users are told."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy.orm import Session

from avi_kernel.protocol.api import NoticeView, ServerView
from gavip_hub.clock import Clock
from gavip_hub.domain.container import Kind
from gavip_hub.domain.giving_way import Decision, Demand, Idle, Room, Terms, decide
from gavip_hub.domain.ledger import ContainerState
from gavip_hub.domain.waits import Wait
from gavip_hub.exceptions import NotFound
from gavip_hub.services.board import Board
from gavip_hub.services.promises import holds_up, rooms, wanted_by
from gavip_hub.services.quotas import QuotaService
from gavip_hub.services.server_rows import SHORT_OF, STOPPING, WHY, closing_words, tell, why_closed
from gavip_hub.services.servers import ServerService
from gavip_hub.services.sightings import Sightings
from gavip_hub.storage import containers, servers
from gavip_hub.storage.database import Database
from gavip_hub.storage.lasting import CLOSES_AT
from gavip_hub.storage.schema import Container

USED_AT = "used_at"
"""In the state of an interface: when its user kept it, or it said that they are there; only that it changes counts."""
FRONT = 200
"""Jobs among which the head of the queue is looked for: those before it wait for their owners' own pools."""
LEAVES_WITHIN = 60.0
"""Seconds for which the room of a server that is being stopped counts as coming."""
STUCK_AFTER = 150.0
"""Seconds: the Hub has been asked for its list since."""
ASK_AGAIN_AT_MOST = 20.0
NEVER_ASK = 600.0
LATELY = timedelta(days=1)
_UNTOLD = (CLOSES_AT, SHORT_OF)

Silence = Mapping[tuple[str, str], float]
"""Owner and name -> seconds since an open interface was used last, as far as the Hub was told."""


@dataclass(frozen=True, kw_only=True)
class ClosedServer:
    """An interface that its user may want to open again."""

    avi: str
    version: str
    at: datetime
    reason: str


class Look(NamedTuple):
    """What one look came to."""

    is_short: bool
    """Whether somebody waits for more than is free, while interfaces are open."""
    is_due: bool
    """Whether some were told for long enough."""


class Closing(NamedTuple):
    """A server that is to be stopped; its row says so already."""

    owner: str
    name: str
    why: str


class EvictionService:
    """Decides which interfaces the platform closes, and keeps the notices.

    A notice is in its row of the ledger, where the portal and the interface's own program find it. When it is over is
    judged by a clock that nobody sets, and by this process: one that starts anew has seen nobody idle, so that it
    withdraws all notices at its first look and begins again.

    Parameters
    ----------
    board
        Where the scheduler puts each ranking.
    held
        Returns why nothing may start now, or nothing.
    """

    def __init__(
        self,
        *,
        database: Database,
        quotas: QuotaService,
        servers: ServerService,
        board: Board,
        clock: Clock,
        terms: Terms,
        held: Callable[[], str] = str,
    ) -> None:
        self._database = database
        self._quotas = quotas
        self._servers = servers
        self._board = board
        self._clock = clock
        self._terms = terms
        self._held = held
        self._sightings = Sightings(clock=clock)

    def look(self, silence: Silence) -> Look:
        """Tell interfaces that they close for others, and let those stay of which that is no longer true."""
        decision, seen = self._decide(silence)
        self._free_stuck(seen.values(), silence)
        if decision.notify or decision.withdraw:
            with self._database.transaction() as session:
                for row in self._unchanged(session, [*decision.notify, *decision.withdraw], seen):
                    self._notify(session, row, decision.short_of if row.id in decision.notify else "")
        are_open = any(_can_close(row) for row in seen.values())
        return Look(bool(decision.short_of) and are_open, bool(decision.close))

    def begin(self, silence: Silence) -> list[Closing]:
        """Mark the interfaces whose notice is over as closing, and return them; nobody else gets them."""
        decision, seen = self._decide(silence)
        if not decision.close:
            return []
        with self._database.transaction() as session:
            rows = self._unchanged(session, decision.close, seen)
            if len(rows) < len(decision.close):  # one was used just now: the others would close in vain
                return []
            for row in rows:
                away, short_of = minutes(self._silence(row, silence)), row.backend_state[SHORT_OF]
                self._mark(
                    session, row, f"others were waiting for {short_of} and it had not been used for {away}"
                )
            return [Closing(row.owner, row.ref, why_closed(row)) for row in rows]

    def begin_one(self, *, owner: str, name: str, silence: float, timeout: float) -> Closing | None:
        """Mark an interface as closing that was idle for so long that nobody has to wait for it.

        None where its user kept it within the time-out, of which the Hub knows nothing.
        """
        why = f"it had not been used for {minutes(silence)}"
        with self._database.transaction() as session:
            found = [row.id for row in servers.open_rows(session, owner=owner, ref=name)]
            rows = servers.locked(session, found)
            if any(self._was_kept(row, timeout) for row in rows):
                return None
            for row in rows:
                if not row.backend_state.get(STOPPING):
                    self._mark(session, row, why)
        return Closing(owner, name, why)

    def settle(self, closing: Closing, *, gone: bool) -> None:
        """Note what became of it: it is gone, whatever its hook did, or it goes on."""
        self._servers.settle_stop(owner=closing.owner, name=closing.name, gone=gone)

    def hear(self, *, owner: str, name: str, silence: float) -> NoticeView:
        """Take an interface's own word on when it was used last, and tell it whether it is to close."""
        if self._terms.after <= 0:
            return NoticeView(ask_again_in=NEVER_ASK)
        with self._database.reading() as session:
            row = next(iter(servers.open_rows(session, owner=owner, ref=name)), None)
        ask_again_in = max(1.0, min(ASK_AGAIN_AT_MOST, self._terms.notice / 4))
        if row is None or not (words := why_closed(row) or closing_words(row)):
            return NoticeView(ask_again_in=ask_again_in)
        if silence < self._terms.after and not row.backend_state.get(STOPPING):
            self._note_use([row.id])
            return NoticeView(ask_again_in=ask_again_in)
        now = self._clock.now()
        closes_at = self._servers.view(row).closes_at or now
        left = max(0.0, (closes_at - now).total_seconds())
        return NoticeView(closes_in=left, words=words, ask_again_in=ask_again_in)

    def closed_lately(self, *, owner: str) -> list[ClosedServer]:
        """Return a user's interfaces that ended today though they did not close them, and are not open again."""
        now = self._clock.now()
        with self._database.reading() as session:
            rows = servers.closed_since(session, owner=owner, at=now - LATELY)
            there = {row.ref for row in servers.open_rows(session, owner=owner)}
            there |= {row.ref for row in servers.reservations(session, owner=owner)}
        return [
            ClosedServer(avi=row.ref, version=row.version or "", at=row.closed_at or now, reason=row.reason)
            for row in rows
            if row.reason and row.ref not in there
        ]

    def keep(self, *, owner: str, name: str) -> ServerView:
        """Let an interface stay because its user says so.

        Raises
        ------
        gavip_hub.exceptions.NotFound
            They have no such interface open.
        """
        with self._database.reading() as session:
            rows = servers.open_rows(session, owner=owner, ref=name, kinds=(Kind.INTERFACE,))
        if not rows:
            raise NotFound(f"You have no open interface {name!r}.")
        self._note_use([row.id for row in rows])
        return self._servers.get(owner=owner, name=name)

    def _decide(self, silence: Silence) -> tuple[Decision, Mapping[str, Container]]:
        """Return what is to be done, and the rows as they were seen for it."""
        now = self._clock.now()
        with self._database.reading() as session:
            rows = servers.open_rows(session)
            places = servers.reservations(session)
            used = containers.usage(session)
            waits = rooms(session, self._quotas, places, at=now).answers()
        platform = self._quotas.platform
        whole = Room(platform.memory_mb, platform.cpu)
        free = Room(platform.memory_mb - used.memory_mb, platform.cpu - used.cpu)
        self._sightings.keep([row.id for row in rows])
        for row in rows:
            if self._is_leaving(row):
                free = free.plus(Room(row.memory_mb, row.cpu))
        watched = [row for row in places if not row.memory_mb and holds_up(row, at=now)]
        helps = self._terms.after > 0 and not self._held()
        demands = [*_of_pages(watched, waits), *self._of_jobs()] if helps else []
        idle = [self._idle(row, silence) for row in rows if _can_close(row)]
        decision = decide(demands, idle, free=free, whole=whole, terms=self._terms)
        return decision, {row.id: row for row in rows}

    def _free_stuck(self, rows: Iterable[Container], silence: Silence) -> None:
        """Note that servers go on whose stop came to nothing, as when this process was killed before the Hub was asked."""
        for row in rows:
            age = self._sightings.age(row.id, "stopping", bool(row.backend_state.get(STOPPING)))
            if row.backend_state.get(STOPPING) and age > STUCK_AFTER and (row.owner, row.ref) in silence:
                self._servers.settle_stop(owner=row.owner, name=row.ref, gone=False)

    def _of_jobs(self) -> list[Demand]:
        """Return what the head of the queue asks for: the first job that its owner's own pool would let in."""
        for job in self._board.front(FRONT) or ():
            wait = self._board.wait_of(job)
            if wait and not any(not short.is_platforms and not short.fits_alone for short in wait.limits):
                return [Demand(Room(wait.memory_mb, wait.cpu))]
        return []

    def _idle(self, row: Container, silence: Silence) -> Idle:
        # Also where there is none, so that the next one is seen to be new.
        noticed = self._sightings.age(row.id, "notice", row.backend_state.get(CLOSES_AT))
        return Idle(
            id=row.id,
            held=Room(row.memory_mb, row.cpu),
            silence=self._silence(row, silence),
            noticed=noticed if CLOSES_AT in row.backend_state else None,
        )

    def _silence(self, row: Container, silence: Silence) -> float:
        """Return for how long it was not used, as the Hub was told.

        Not before this process has seen that itself for long enough: the Hub's list may be of one of the same name that
        was there before, and does not know what was told to us alone.
        """
        seen = self._sightings.age(row.id, "use", row.backend_state.get(USED_AT))
        told = silence.get((row.owner, row.ref), 0.0)
        return min(seen, told) if seen <= self._terms.after or USED_AT in row.backend_state else told

    def _was_kept(self, row: Container, timeout: float) -> bool:
        used_at = row.backend_state.get(USED_AT)
        return used_at is not None and self._sightings.age(row.id, "use", used_at) <= timeout

    def _is_leaving(self, row: Container) -> bool:
        stopping = bool(row.backend_state.get(STOPPING))
        return self._sightings.age(row.id, "stopping", stopping) < LEAVES_WITHIN and stopping

    def _unchanged(
        self, session: Session, wanted: Sequence[str], seen: Mapping[str, Container]
    ) -> list[Container]:
        """Hold these rows and return those with which nothing happened since they were seen."""
        rows = servers.locked(session, wanted)
        return [row for row in rows if row.backend_state == seen[row.id].backend_state]

    def _notify(self, session: Session, row: Container, short_of: str) -> None:
        """Tell an interface that it closes, or that it does not."""
        at, state = self._clock.now(), _untold(row)
        if short_of:
            closes_at = (at + timedelta(seconds=self._terms.notice)).isoformat()
            state |= {CLOSES_AT: closes_at, SHORT_OF: short_of}
            self._sightings.age(row.id, "notice", closes_at)
        row.backend_state = state
        session.flush()
        tell(session, row, "notice" if short_of else "ready", at=at)

    def _mark(self, session: Session, row: Container, why: str) -> None:
        row.backend_state = {**_untold(row), STOPPING: True, WHY: f"It was closed because {why}."}
        session.flush()
        tell(session, row, STOPPING, at=self._clock.now())

    def _note_use(self, wanted: Sequence[str]) -> None:
        """Withdraw the notices of interfaces that are used; what is being stopped stays so."""
        at = self._clock.now()
        with self._database.transaction() as session:
            for row in servers.locked(session, wanted):
                if row.backend_state.get(STOPPING):
                    continue
                was_told = CLOSES_AT in row.backend_state
                row.backend_state = {**_untold(row), USED_AT: at.isoformat()}
                session.flush()
                if was_told:
                    tell(session, row, "ready", at=at)


def _of_pages(places: Iterable[Container], waits: Mapping[str, Wait | None]) -> list[Demand]:
    """Return what those ask for who wait before a page for an interface, in their order."""
    found = []
    for place in places:
        want, wait = wanted_by(place), waits.get(place.id)
        own_binds = wait is not None and any(not short.is_platforms for short in wait.limits)
        found.append(Demand(Room(want.memory_mb, want.cpu), own_binds))
    return found


def _can_close(row: Container) -> bool:
    """Tell whether a server is an interface that answers and is not being stopped."""
    is_open = row.state is ContainerState.LIVE and not row.backend_state.get(STOPPING)
    return row.kind is Kind.INTERFACE and is_open


def _untold(row: Container) -> dict[str, object]:
    return {key: value for key, value in row.backend_state.items() if key not in _UNTOLD}


def minutes(seconds: float) -> str:
    """Return for how long something was so, as people say it."""
    return f"{seconds / 60:.0f} min" if seconds >= 60 else f"{seconds:.0f} s"  # noqa: PLR2004 - seconds of a minute
