"""The ledger: one row for everything that holds memory."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import case, func, select, update
from sqlalchemy.orm import Session

from gavip_hub.domain.container import Kind
from gavip_hub.domain.ledger import OPEN, ContainerState
from gavip_hub.domain.policy import Holding, pipeline_key
from gavip_hub.domain.quota import Usage
from gavip_hub.storage import spending
from gavip_hub.storage.schema import Attempt, Container, Job

_MEMORY = func.coalesce(func.sum(Container.memory_mb), 0)
_CPU = func.coalesce(func.sum(Container.cpu), 0.0)
_SERVERS = func.coalesce(func.sum(case((Container.kind != Kind.JOB, 1), else_=0)), 0)
_WAITING = func.coalesce(
    func.sum(case(((Container.kind == Kind.RESERVATION) & (Container.memory_mb == 0), 1), else_=0)), 0
)
_JOBS = func.coalesce(func.sum(case((Container.kind == Kind.JOB, 1), else_=0)), 0)


def usage(session: Session, *, owner: str | None = None) -> Usage:
    """Count what one user, or everybody, holds; waiting jobs hold nothing and are not counted here."""
    wanted = select(_MEMORY, _CPU, _SERVERS, _JOBS, _WAITING).where(Container.state.in_(OPEN))
    if owner is not None:
        wanted = wanted.where(Container.owner == owner)
    memory_mb, cpu, servers, jobs, waiting = session.execute(wanted).one()
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
    columns = (Container.owner, Container.kind, Container.memory_mb, Container.cpu, Container.created_at)
    rows = session.execute(
        select(*columns, Container.ready_at, Attempt.running_at, Job.time_limit, Job.avi, Job.pipeline)
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
            ends_at=_end(row.running_at or row.created_at, row.time_limit, now=now),
            pipeline=row.pipeline and pipeline_key(row.avi, row.pipeline),
        )
        for row in rows
    ]


def _end(since: datetime, limit: int | None, *, now: datetime) -> datetime | None:
    """Return the end of what runs for so many seconds at most, also where its start lies ahead of the clock."""
    return None if limit is None else min(since, now) + timedelta(seconds=limit)


def save_state(session: Session, container: str, state: dict[str, Any]) -> None:
    """Keep what the backend needs to find this container again."""
    session.execute(update(Container).where(Container.id == container).values(backend_state=state))


def mark_live(session: Session, container: str, *, at: datetime) -> bool:
    """Say that a reserved container was seen alive; return whether this changed anything."""
    changed = session.execute(
        update(Container)
        .where(Container.id == container, Container.state == ContainerState.RESERVED)
        .values(state=ContainerState.LIVE, ready_at=at)
        .returning(Container.id)
    )
    return changed.first() is not None


def close(session: Session, container: str, *, at: datetime) -> bool:
    """Give back what a container held, and remember that it was used; return whether it was open."""
    held = (Container.owner, Container.kind, Container.memory_mb, Container.cpu, Container.created_at)
    changed = session.execute(
        update(Container)
        .where(Container.id == container, Container.state.in_(OPEN))
        .values(state=ContainerState.CLOSED, closed_at=at)
        .returning(*held)
    ).first()
    if changed is None:
        return False
    owner, kind, memory_mb, cpu, since = changed
    if kind is not Kind.RESERVATION:
        spending.add(session, owner=owner, memory_mb=memory_mb, cpu=cpu, since=since, until=at)
    return True
