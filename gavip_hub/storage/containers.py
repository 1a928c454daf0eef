"""The ledger: one row for everything that holds memory."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import case, func, select, update
from sqlalchemy.orm import Session

from gavip_hub.domain.container import Kind
from gavip_hub.domain.ledger import OPEN, ContainerState
from gavip_hub.domain.quota import Usage
from gavip_hub.storage.schema import Container

_MEMORY = func.coalesce(func.sum(Container.memory_mb), 0)
_CPU = func.coalesce(func.sum(Container.cpu), 0.0)
_SERVERS = func.coalesce(func.sum(case((Container.kind != Kind.JOB, 1), else_=0)), 0)


def usage(session: Session, *, owner: str | None = None) -> Usage:
    """Count what one user, or everybody, holds; waiting jobs hold nothing and are not counted here."""
    wanted = select(_MEMORY, _CPU, _SERVERS).where(Container.state.in_(OPEN))
    if owner is not None:
        wanted = wanted.where(Container.owner == owner)
    memory_mb, cpu, servers = session.execute(wanted).one()
    return Usage(memory_mb=int(memory_mb), cpu=float(cpu), servers=int(servers))


def usages(session: Session, owners: Sequence[str]) -> dict[str, Usage]:
    """Count what each of these users holds."""
    wanted = (
        select(Container.owner, _MEMORY, _CPU, _SERVERS)
        .where(Container.state.in_(OPEN), Container.owner.in_(owners))
        .group_by(Container.owner)
    )
    return {
        owner: Usage(memory_mb=int(memory_mb), cpu=float(cpu), servers=int(servers))
        for owner, memory_mb, cpu, servers in session.execute(wanted)
    }


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
    """Give back what a container held; return whether it was open."""
    changed = session.execute(
        update(Container)
        .where(Container.id == container, Container.state.in_(OPEN))
        .values(state=ContainerState.CLOSED, closed_at=at)
        .returning(Container.id)
    )
    return changed.first() is not None
