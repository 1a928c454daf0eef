"""Events, numbered in the order of commits."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from gavip_hub.storage import rows as rows_at_once
from gavip_hub.storage.database import TOUCHED, Touched
from gavip_hub.storage.schema import Counter, Event

_TABLE: Any = Event.__table__
_NOBODY = ""
"""Owner of the traces of jobs that were removed."""


class News(NamedTuple):
    """What happened to a job or a server, before it has a number."""

    owner: str
    kind: str
    subject: str
    data: dict[str, Any]


def append(
    session: Session, *, owner: str, kind: str, subject: str, data: dict[str, Any], at: datetime
) -> int:
    """Add an event and return its id; see `append_all`."""
    return append_all(session, [News(owner, kind, subject, data)], at=at)


def append_all(session: Session, news: Sequence[News], *, at: datetime) -> int:
    """Add events in this order and return the id of the last one.

    Call it last in a transaction: the counter's row is held until the commit, which makes ids grow in
    the order of commits, and taking it last keeps two transactions from waiting for one another.
    """
    if not news:
        return latest(session)
    last = session.scalars(
        update(Counter)
        .where(Counter.name == "events")
        .values(value=Counter.value + len(news))
        .returning(Counter.value)
        .execution_options(synchronize_session=False)
    ).one()
    rows = [{"id": last - len(news) + place, "at": at, **one._asdict()} for place, one in enumerate(news, 1)]
    rows_at_once.add(session, _TABLE, rows)
    touched = {Touched(owner=one.owner, subject=one.subject, kind=one.kind) for one in news}
    session.info.setdefault(TOUCHED, set()).update(touched)
    return last


def since(session: Session, *, owner: str, after: int, limit: int) -> list[Event]:
    """Return the owner's events after that id, oldest first."""
    wanted = select(Event).where(Event.owner == owner, Event.id > after).order_by(Event.id).limit(limit)
    return list(session.scalars(wanted))


def subjects_since(session: Session, *, after: int, kinds: Collection[str]) -> set[str]:
    """Return to what something of these kinds happened after that id, whoever owns it."""
    # No `distinct`: for it SQLite reads the whole index of subjects, and not only what is new.
    wanted = select(Event.subject).where(Event.id > after, Event.kind.in_(kinds))
    return set(session.scalars(wanted))


def owners_since(session: Session, *, after: int) -> frozenset[str]:
    """Return to whom something happened after that id."""
    # No `distinct`: as above.
    return frozenset(session.scalars(select(Event.owner).where(Event.id > after)))


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


def forget(session: Session, *, owner: str, subject: str, kind: str) -> None:
    """Delete all that happened to one job or server of the owner, but for a trace that it changed.

    The trace is the newest event of that kind, without its owner and what it told: whoever follows the events has seen
    it already, or is still to learn from it that the subject is gone.
    """
    last = latest_of_subject(session, owner=owner, subject=subject, kind=kind)
    if last is not None:
        last.owner, last.data = _NOBODY, {}
        session.flush()
    session.execute(delete(Event).where(Event.owner == owner, Event.subject == subject))


def forget_traces(session: Session, *, before: datetime) -> None:
    """Delete what was left of removed subjects whose last events are older than that."""
    session.execute(delete(Event).where(Event.owner == _NOBODY, Event.at < before))
