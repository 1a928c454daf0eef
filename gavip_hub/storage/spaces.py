"""What users' files took when they were measured last."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from gavip_hub.storage.schema import Space


def of(session: Session, owner: str) -> Space | None:
    """Return what was measured; None where nothing was yet."""
    return session.get(Space, owner)


def put(session: Session, owner: str, *, used_mb: int, at: datetime) -> None:
    """Keep a measurement in place of the last one."""
    session.merge(Space(owner=owner, used_mb=used_mb, measured_at=at))


def above(session: Session, used_mb: int) -> set[str]:
    """Return whose files took more."""
    return set(session.scalars(select(Space.owner).where(Space.used_mb > used_mb)))
