"""What users have used, decayed: one row a user, made heavier when a container ends."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from gavip_hub.domain.spending import Spent
from gavip_hub.storage.schema import Spending

_TABLE: Any = Spending.__table__


class Held(NamedTuple):
    """What a container of a user held, and since when."""

    owner: str
    memory_mb: float
    cpu: float
    since: datetime


def add(session: Session, held: Collection[Held], *, until: datetime) -> None:
    """Add what containers held until a moment."""
    rows = _rows(session, {one.owner for one in held}, at=until)
    for one in held:
        row = rows[one.owner]
        spent = _spent(row).plus(memory_mb=one.memory_mb, cpu=one.cpu, since=one.since, until=until)
        row.memory, row.cpu, row.at = spent.memory, spent.cpu, spent.at
    session.flush()


def of(session: Session, owners: Collection[str]) -> dict[str, Spent]:
    """Return what these users have used; who has used nothing is left out."""
    found = session.scalars(select(Spending).where(Spending.owner.in_(owners)))
    return {row.owner: _spent(row) for row in found}


def _rows(session: Session, owners: Collection[str], *, at: datetime) -> dict[str, Spending]:
    """Return these users' rows, held until the transaction ends, so that no two add to the same number."""
    found = _locked(session, owners)
    if new := sorted(set(owners) - found.keys()):
        insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
        rows = [{"owner": owner, "memory": 0.0, "cpu": 0.0, "at": at} for owner in new]
        session.connection().execute(insert(_TABLE).on_conflict_do_nothing(), rows)
        found |= _locked(session, new)
    return found


def _locked(session: Session, owners: Collection[str]) -> dict[str, Spending]:
    # Always in this order, or two could wait for one another.
    wanted = select(Spending).where(Spending.owner.in_(owners)).order_by(Spending.owner).with_for_update()
    found = session.scalars(wanted, execution_options={"populate_existing": True})
    return {row.owner: row for row in found}


def _spent(row: Spending) -> Spent:
    return Spent(memory=row.memory, cpu=row.cpu, at=row.at)
