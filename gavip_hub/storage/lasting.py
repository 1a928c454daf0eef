"""The times of what lasts at this moment, moved along with the machine's clock."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import inspect, select, update
from sqlalchemy.orm import DeclarativeBase, Session

from gavip_hub.domain.job import FINAL
from gavip_hub.domain.ledger import OPEN
from gavip_hub.storage.schema import Attempt, Container, Job, Spending

ASKED_AT = "asked_at"
"""In the state of a reservation: when the page that waits was last heard of."""
CLOSES_AT = "closes_at"
"""In the state of an interface that is to close for others: when."""


def shift(session: Session, by: timedelta, *, until: datetime | None) -> None:
    """Move the beginnings of all that has not ended, and what users have used.

    Parameters
    ----------
    until
        Beginnings after this moment stay: they were noted with the clock as it is now. None: all are moved.
    """

    def moved(time: datetime | None) -> datetime | None:
        return time if time is None or (until is not None and time > until) else time + by

    # In the order of locks that everybody keeps: jobs by their ids first, and what was used after the containers.
    live = select(Job.id, Job.queued_at, Job.started_at, Job.heartbeat_at, Job.not_before, Job.reserved_for)
    _update(session, Job, live.where(Job.state.not_in(FINAL)).order_by(Job.id), moved, ahead=_AHEAD, by=by)
    running = select(Attempt.job, Attempt.number, Attempt.started_at, Attempt.running_at)
    _update(session, Attempt, running.where(Attempt.ended_at.is_(None)).order_by(Attempt.job), moved)
    held = select(Container).where(Container.state.in_(OPEN)).order_by(Container.id).with_for_update()
    for row in session.scalars(held):
        row.created_at, row.ready_at = moved(row.created_at) or row.created_at, moved(row.ready_at)
        if asked := row.backend_state.get(ASKED_AT):
            at = moved(datetime.fromisoformat(asked))
            row.backend_state = {**row.backend_state, ASKED_AT: at.isoformat() if at else asked}
        if closes := row.backend_state.get(CLOSES_AT):
            ahead = datetime.fromisoformat(closes) + by
            row.backend_state = {**row.backend_state, CLOSES_AT: ahead.isoformat()}
    session.flush()
    used = select(Spending.owner, Spending.at).order_by(Spending.owner)
    _update(session, Spending, used, moved)


_AHEAD = ("not_before", "reserved_for")
"""Columns that lie ahead of the clock: they are moved whenever they were noted."""


def _update(
    session: Session,
    table: type[DeclarativeBase],
    wanted: Any,
    moved: Any,
    *,
    ahead: Sequence[str] = (),
    by: timedelta = timedelta(),
) -> None:
    """Move the times of these rows, which are held: what another wrote in between would be lost."""
    rows, keys = [], [column.name for column in inspect(table).primary_key]
    for row in session.execute(wanted.with_for_update()).mappings():
        times = {name: value for name, value in row.items() if isinstance(value, datetime)}
        new = {name: time + by if name in ahead else moved(time) for name, time in times.items()}
        if changed := {name: time for name, time in new.items() if time != times[name]}:
            rows.append({**{key: row[key] for key in keys}, **changed})
    if rows:
        session.execute(update(table), rows)
