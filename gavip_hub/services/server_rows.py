"""Servers' rows in the ledger: how one is added, what it says, and what its owner is told of it."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy.orm import Session

from gavip_hub.domain.container import Kind
from gavip_hub.domain.ledger import ContainerState
from gavip_hub.services.wishes import Wish
from gavip_hub.storage import events
from gavip_hub.storage.ids import new_id
from gavip_hub.storage.lasting import CLOSES_AT
from gavip_hub.storage.schema import Container

NOTEBOOK = "notebook"
"""How people see the server that the Hub leaves unnamed; no AVI may have this name."""
STOPPING = "stopping"
WHY = "why"
"""In the state of a server that the platform closes: the sentence that its owner is told."""
SHORT_OF = "short_of"
"""In the state of an interface that is to close for others: what they wait for."""


def tell(session: Session, row: Container, state: str, *, at: datetime) -> None:
    """Tell a server's owner what became of it."""
    data = {"state": state, "avi": row.avi, "version": row.version, "reason": row.reason}
    events.append(
        session, owner=row.owner, kind="server.state", subject=row.ref or NOTEBOOK, data=data, at=at
    )


def tell_all(session: Session, news: Iterable[tuple[Container, str]], *, at: datetime) -> None:
    """Tell of several servers, once all their rows are held: who holds the events' counter waits for no row."""
    for row, state in news:
        tell(session, row, state, at=at)


def holds(place: Container, wish: Wish) -> bool:
    """Tell whether a place in the queue has room for a wish; a larger version than it was held for is a new wish."""
    return wish.memory_mb <= place.memory_mb and wish.cpu <= place.cpu


def why_closed(row: Container) -> str:
    """Return why the platform closes a server; nothing where its user does."""
    return str(row.backend_state.get(WHY, ""))


def closing_words(row: Container) -> str:
    """Return why an interface is to close, as long as its user can keep it; else nothing."""
    if CLOSES_AT not in row.backend_state:
        return ""
    return f"Others are waiting for {row.backend_state[SHORT_OF]}, and this interface has not been used for a while."


def hub_name(name: str) -> str:
    """Return the Hub's name of a server as people name it."""
    return "" if name == NOTEBOOK else name


def add_row(session: Session, wish: Wish, *, at: datetime, kind: Kind | None = None) -> Container:
    """Add a server's row to the ledger."""
    row = row_of(wish, at=at, kind=kind)
    session.add(row)
    session.flush()
    return row


def row_of(wish: Wish, *, at: datetime, kind: Kind | None = None) -> Container:
    """Return the row that a wish would have."""
    return Container(
        id=new_id("s", now=at),
        owner=wish.owner,
        kind=kind or wish.kind,
        avi=wish.release.avi if wish.release else None,
        version=wish.release.version if wish.release else None,
        ref=wish.ref,
        state=ContainerState.RESERVED,
        cpu=wish.cpu,
        memory_mb=wish.memory_mb,
        backend_state={},
        reason="",
        created_at=at,
    )


def state_of(row: Container) -> str:
    """Return how people call the state of a server."""
    if row.kind is Kind.RESERVATION:
        return "waiting"
    if row.backend_state.get(STOPPING):
        return "stopping"
    return "ready" if row.state is ContainerState.LIVE else "starting"
