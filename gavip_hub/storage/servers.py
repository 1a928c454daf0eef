"""The ledger's rows of servers, and of reservations for interfaces that somebody waits for."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from gavip_hub.domain.container import Kind
from gavip_hub.domain.ledger import OPEN
from gavip_hub.storage.among import among
from gavip_hub.storage.ids import first_id
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


def locked(session: Session, wanted: Collection[str]) -> list[Container]:
    """Return those of these rows that are open, held until the transaction ends."""
    chosen = select(Container).where(among(session, Container.id, wanted), Container.state.in_(OPEN))
    return list(session.scalars(chosen.order_by(Container.id).with_for_update()))


def closed_since(session: Session, *, owner: str, at: datetime) -> list[Container]:
    """Return a user's interfaces that were closed since then, the newest first; of each name the last one only."""
    # As literals: only so SQLite sees that all of these are in the index `servers_closed`.
    kinds: Any = bindparam("kinds", SERVERS, expanding=True, literal_execute=True)
    wanted = select(Container).where(Container.closed_at.is_not(None), Container.kind.in_(kinds))
    # Ids grow with time, and few servers are open for longer than a day.
    wanted = wanted.where(Container.id > first_id("s", now=at - timedelta(days=1)), Container.owner == owner)
    last: dict[str, Container] = {}
    for row in session.scalars(wanted.order_by(Container.id.desc())):
        if row.kind is Kind.INTERFACE and row.closed_at and row.closed_at >= at:
            last.setdefault(row.ref, row)
    return list(last.values())


def who_waits(session: Session) -> list[str]:
    """Return the owners of open reservations."""
    wanted = select(Container.owner).where(Container.state.in_(OPEN), Container.kind == Kind.RESERVATION)
    return list(session.scalars(wanted.distinct()))


def reservations(session: Session, *, owner: str | None = None, ref: str | None = None) -> list[Container]:
    """Return open reservations, oldest first."""
    return open_rows(session, owner=owner, ref=ref, kinds=(Kind.RESERVATION,))
