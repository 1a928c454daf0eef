"""The ledger's rows of servers, and of reservations for interfaces that somebody waits for."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from gavip_hub.domain.container import Kind
from gavip_hub.domain.ledger import OPEN
from gavip_hub.storage.schema import Container

SERVERS = (Kind.INTERFACE, Kind.NOTEBOOK)


def open_rows(
    session: Session,
    *,
    owner: str | None = None,
    ref: str | None = None,
    kinds: Sequence[Kind] = SERVERS,
    lock: bool = False,
) -> list[Container]:
    """Return open rows of these kinds, oldest first; with `lock`, held until the transaction ends."""
    wanted = select(Container).where(Container.state.in_(OPEN), Container.kind.in_(kinds))
    if owner is not None:
        wanted = wanted.where(Container.owner == owner)
    if ref is not None:
        wanted = wanted.where(Container.ref == ref)
    wanted = wanted.order_by(Container.id)
    return list(session.scalars(wanted.with_for_update() if lock else wanted))


def who_waits(session: Session) -> list[str]:
    """Return the owners of open reservations."""
    wanted = select(Container.owner).where(Container.state.in_(OPEN), Container.kind == Kind.RESERVATION)
    return list(session.scalars(wanted.distinct()))


def reservations(session: Session, *, owner: str | None = None, ref: str | None = None) -> list[Container]:
    """Return open reservations, oldest first."""
    return open_rows(session, owner=owner, ref=ref, kinds=(Kind.RESERVATION,))
