"""The ledger: one row for everything that holds memory."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, case, func, select, update
from sqlalchemy.orm import Session

from gavip_hub.domain.container import Kind
from gavip_hub.domain.ledger import OPEN, ContainerState
from gavip_hub.domain.policy import Holding, pipeline_key
from gavip_hub.domain.quota import Usage
from gavip_hub.storage import rows as rows_at_once
from gavip_hub.storage import spending
from gavip_hub.storage.among import among
from gavip_hub.storage.lasting import CLOSES_AT
from gavip_hub.storage.schema import Attempt, Container, Job

_MEMORY = func.coalesce(func.sum(Container.memory_mb), 0)
_CPU = func.coalesce(func.sum(Container.cpu), 0.0)
_SERVERS = func.coalesce(func.sum(case((Container.kind != Kind.JOB, 1), else_=0)), 0)
_WAITING = func.coalesce(
    func.sum(case(((Container.kind == Kind.RESERVATION) & (Container.memory_mb == 0), 1), else_=0)), 0
)
_JOBS = func.coalesce(func.sum(case((Container.kind == Kind.JOB, 1), else_=0)), 0)
_USAGE = (_MEMORY, _CPU, _SERVERS, _JOBS, _WAITING)
_CLOSES_AT = Container.backend_state[CLOSES_AT].as_string().label("closes_at")
_LEDGER: Any = Container.__table__
# Made once, since half of all pages and each decision ask it.
_HELD = select(*_USAGE).where(Container.state.in_(OPEN))
_HELD_BY_ONE = _HELD.where(Container.owner == bindparam("owner"))


def usage(session: Session, *, owner: str | None = None) -> Usage:
    """Count what one user, or everybody, holds; waiting jobs hold nothing and are not counted here."""
    held = session.execute(_HELD) if owner is None else session.execute(_HELD_BY_ONE, {"owner": owner})
    return _counted(*held.one())


def owners_open(session: Session) -> set[str]:
    """Return who holds anything."""
    return set(session.scalars(select(Container.owner).where(Container.state.in_(OPEN)).distinct()))


def usages(session: Session) -> dict[str, Usage]:
    """Count what each user holds; who holds nothing is left out."""
    wanted = select(Container.owner, *_USAGE).where(Container.state.in_(OPEN))
    rows = session.execute(wanted.group_by(Container.owner))
    return {owner: _counted(*counts) for owner, *counts in rows}


def _counted(memory_mb: int, cpu: float, servers: int, jobs: int, waiting: int) -> Usage:
    return Usage(
        memory_mb=int(memory_mb), cpu=float(cpu), servers=int(servers), jobs=int(jobs), waiting=int(waiting)
    )


def open_of(session: Session, *, owner: str, avi: str | None = None) -> list[Container]:
    """Return everything of a user's that holds room; with `avi`, only what is that AVI's."""
    wanted = select(Container).where(Container.owner == owner, Container.state.in_(OPEN))
    if avi is not None:
        wanted = wanted.where(Container.avi == avi)
    return list(session.scalars(wanted.where(Container.kind != Kind.RESERVATION)))


def holdings(session: Session, *, now: datetime) -> list[Holding]:
    """Return everything that holds room, with the time at which a job's is ended at the latest."""
    held = (Container.owner, Container.kind, Container.memory_mb, Container.cpu)
    times = (Container.created_at, Container.ready_at, _CLOSES_AT, Attempt.running_at)
    rows = session.execute(
        select(*held, *times, Job.time_limit, Job.avi, Job.pipeline)
        .outerjoin(Attempt, Attempt.container == Container.id)
        .outerjoin(Job, Job.id == Attempt.job)
        .where(Container.state.in_(OPEN), Container.memory_mb > 0)
    )
    return [
        Holding(
            owner=row.owner,
            kind=row.kind,
            memory_mb=row.memory_mb,
            cpu=row.cpu,
            since=row.created_at if row.kind is not Kind.RESERVATION else row.ready_at or row.created_at,
            gives_way_at=row.closes_at and datetime.fromisoformat(row.closes_at),
            ends_at=_end(row.running_at or row.created_at, row.time_limit, now=now),
            pipeline=row.pipeline and pipeline_key(row.avi, row.pipeline),
        )
        for row in rows
    ]


def _end(since: datetime, limit: int | None, *, now: datetime) -> datetime | None:
    """Return the end of what runs for so many seconds at most, also where its start lies ahead of the clock."""
    return None if limit is None else min(since, now) + timedelta(seconds=limit)


def add_all(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add ledger rows."""
    rows_at_once.add(session, _LEDGER, rows)


def save_states(session: Session, states: Mapping[str, dict[str, Any]]) -> None:
    """Keep what the backend needs to find these containers again."""
    rows = [{"id": container, "backend_state": state} for container, state in sorted(states.items())]
    rows_at_once.change(session, _LEDGER, rows, keys=("id",))


def mark_live(session: Session, container: str, *, at: datetime) -> bool:
    """Say that a reserved container was seen alive; return whether this changed anything."""
    return container in mark_all_live(session, [container], at=at)


def mark_all_live(session: Session, wanted: Collection[str], *, at: datetime) -> set[str]:
    """Say that reserved containers were seen alive; return those for which this was new."""
    changed = session.scalars(
        update(Container)
        .where(among(session, Container.id, wanted), Container.state == ContainerState.RESERVED)
        .values(state=ContainerState.LIVE, ready_at=at)
        .returning(Container.id)
        .execution_options(synchronize_session=False)
    )
    return set(changed)


def close(session: Session, container: str, *, at: datetime) -> bool:
    """Give back what a container held, and remember that it was used; return whether it was open."""
    return container in close_all(session, [container], at=at)


def close_all(session: Session, wanted: Collection[str], *, at: datetime) -> set[str]:
    """Give back what containers held, and remember that it was used; return those that were open."""
    row = _LEDGER.c
    session.flush()
    changed = (
        session.connection()
        .execute(
            update(_LEDGER)
            .where(among(session, row.id, wanted), row.state.in_(OPEN))
            .values(state=ContainerState.CLOSED, closed_at=at)
            .returning(row.id, row.kind, row.owner, row.memory_mb, row.cpu, row.created_at)
        )
        .all()
    )
    used = [
        spending.Held(row.owner, row.memory_mb, row.cpu, row.created_at)
        for row in changed
        if row.kind is not Kind.RESERVATION
    ]
    spending.add(session, used, until=at)
    return {row.id for row in changed}
