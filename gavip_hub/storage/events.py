"""Events, numbered in the order of commits."""

from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from gavip_hub.storage.database import TOUCHED, Touched
from gavip_hub.storage.schema import Counter, Event


def append(
    session: Session, *, owner: str, kind: str, subject: str, data: dict[str, Any], at: datetime
) -> int:
    """Add an event and return its id.

    Call it last in a transaction: the counter's row is held until the commit, which makes ids grow in
    the order of commits, and taking it last keeps two transactions from waiting for one another.
    """
    number = session.scalars(
        update(Counter)
        .where(Counter.name == "events")
        .values(value=Counter.value + 1)
        .returning(Counter.value)
    ).one()
    session.add(Event(id=number, owner=owner, at=at, kind=kind, subject=subject, data=data))
    session.flush()
    session.info.setdefault(TOUCHED, set()).add(Touched(owner=owner, subject=subject, kind=kind))
    return number


def since(session: Session, *, owner: str, after: int, limit: int) -> list[Event]:
    """Return the owner's events after that id, oldest first."""
    wanted = select(Event).where(Event.owner == owner, Event.id > after).order_by(Event.id).limit(limit)
    return list(session.scalars(wanted))


def of_subject(session: Session, *, owner: str, subject: str, after: int = 0, limit: int) -> list[Event]:
    """Return what happened to one job or server of the owner after that id, oldest first."""
    wanted = select(Event).where(Event.owner == owner, Event.subject == subject, Event.id > after)
    return list(session.scalars(wanted.order_by(Event.id).limit(limit)))


def latest_of_subject(session: Session, *, owner: str, subject: str, kind: str | None = None) -> Event | None:
    """Return what happened last to one job or server of the owner, of any kind or of one."""
    wanted = select(Event).where(Event.owner == owner, Event.subject == subject)
    if kind is not None:
        wanted = wanted.where(Event.kind == kind)
    return session.scalar(wanted.order_by(Event.id.desc()).limit(1))


def latest(session: Session) -> int:
    """Return the id of the newest event of all; 0 before the first."""
    return session.scalar(select(Counter.value).where(Counter.name == "events")) or 0


def newest(session: Session, *, owner: str) -> int:
    """Return the id of the owner's newest event; 0 where there is none."""
    return session.scalar(select(func.max(Event.id)).where(Event.owner == owner)) or 0


def forget(session: Session, *, owner: str, subject: str) -> None:
    """Delete all that happened to one job or server of the owner."""
    session.execute(delete(Event).where(Event.owner == owner, Event.subject == subject))
