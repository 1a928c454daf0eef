"""What users have used, decayed: one row a user, made heavier when a container ends."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from gavip_hub.domain.spending import Spent
from gavip_hub.storage.schema import Spending


def add(
    session: Session, *, owner: str, memory_mb: float, cpu: float, since: datetime, until: datetime
) -> None:
    """Add what a container of a user held from one moment to another."""
    row = _held(session, owner, since)
    spent = _spent(row).plus(memory_mb=memory_mb, cpu=cpu, since=since, until=until)
    row.memory, row.cpu, row.at = spent.memory, spent.cpu, spent.at
    session.flush()


def of(session: Session, owners: Collection[str]) -> dict[str, Spent]:
    """Return what these users have used; who has used nothing is left out."""
    found = session.scalars(select(Spending).where(Spending.owner.in_(owners)))
    return {row.owner: _spent(row) for row in found}


def _held(session: Session, owner: str, since: datetime) -> Spending:
    """Return a user's row, held until the transaction ends, so that no two add to the same number."""
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    new = {"owner": owner, "memory": 0.0, "cpu": 0.0, "at": since}
    session.execute(insert(Spending).values(new).on_conflict_do_nothing())
    return session.get_one(Spending, owner, with_for_update=True, populate_existing=True)


def _spent(row: Spending) -> Spent:
    return Spent(memory=row.memory, cpu=row.cpu, at=row.at)
