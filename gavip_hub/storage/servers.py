"""The ledger's rows of servers, and of reservations for interfaces that somebody waits for."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from gavip_hub.domain.container import Kind
from gavip_hub.domain.ledger import OPEN
from gavip_hub.storage.schema import Container

SERVERS = (Kind.INTERFACE, Kind.NOTEBOOK)


def open_rows(
    session: Session, *, owner: str | None = None, ref: str | None = None, kinds: Sequence[Kind] = SERVERS
) -> list[Container]:
    """Return open rows of these kinds, oldest first."""
    wanted = select(Container).where(Container.state.in_(OPEN), Container.kind.in_(kinds))
    if owner is not None:
        wanted = wanted.where(Container.owner == owner)
    if ref is not None:
        wanted = wanted.where(Container.ref == ref)
    return list(session.scalars(wanted.order_by(Container.id)))


def reservations(session: Session, *, owner: str | None = None, ref: str | None = None) -> list[Container]:
    """Return open reservations, oldest first."""
    return open_rows(session, owner=owner, ref=ref, kinds=(Kind.RESERVATION,))
