"""What users have used, decayed: one row a user, made heavier when a container ends."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Select, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from gavip_hub.domain.spending import Spent
from gavip_hub.storage import rows as rows_at_once
from gavip_hub.storage.among import among
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
    if not held:
        return
    spent = _held(session, {one.owner for one in held}, at=until)
    for one in held:
        spent[one.owner] = spent[one.owner].plus(
            memory_mb=one.memory_mb, cpu=one.cpu, since=one.since, until=until
        )
    now = [
        {"owner": owner, "memory": one.memory, "cpu": one.cpu, "at": one.at} for owner, one in spent.items()
    ]
    rows_at_once.change(session, _TABLE, now, keys=("owner",))


def of(session: Session, owners: Collection[str]) -> dict[str, Spent]:
    """Return what these users have used; who has used nothing is left out."""
    return _read(session, _question(session, owners))


def _held(session: Session, owners: Collection[str], *, at: datetime) -> dict[str, Spent]:
    """Return what these users have used, held until the transaction ends, so that no two add to the same number."""
    found = _locked(session, owners)
    if new := sorted(set(owners) - found.keys()):
        insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
        rows = [{"owner": owner, "memory": 0.0, "cpu": 0.0, "at": at} for owner in new]
        session.connection().execute(insert(_TABLE).on_conflict_do_nothing(), rows)
        found |= _locked(session, new)
    return found


def _locked(session: Session, owners: Collection[str]) -> dict[str, Spent]:
    # Always in this order, or two could wait for one another.
    return _read(session, _question(session, owners).order_by(Spending.owner).with_for_update())


def _question(session: Session, owners: Collection[str]) -> Select[str, float, float, datetime]:
    columns = (Spending.owner, Spending.memory, Spending.cpu, Spending.at)
    return select(*columns).where(among(session, Spending.owner, owners))


def _read(session: Session, wanted: Select[str, float, float, datetime]) -> dict[str, Spent]:
    return {row.owner: Spent(memory=row.memory, cpu=row.cpu, at=row.at) for row in session.execute(wanted)}
