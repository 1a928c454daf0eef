"""Releases whose packages are fetched, and the environments that come of it."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from avi_kernel.protocol.environments import Lock
from gavip_hub.storage.schema import Environment, Release

READY, BUILDING, FAILED = "READY", "BUILDING", "FAILED"


def building(session: Session) -> Sequence[Release]:
    """Return the releases that wait for their packages, oldest first."""
    wanted = select(Release).where(Release.state == BUILDING).order_by(Release.id)
    return session.scalars(wanted).all()


def locked(session: Session, release: str) -> Release | None:
    """Return a release that still waits for its packages, held until the transaction ends."""
    wanted = select(Release).where(Release.id == release, Release.state == BUILDING)
    return session.scalar(wanted.with_for_update())


def newest_ready(session: Session, avi: str) -> Release | None:
    """Return the newest release of an AVI that can be run."""
    wanted = select(Release).where(Release.avi == avi, Release.state == READY)
    return session.scalar(wanted.order_by(Release.id.desc()).limit(1))


def lock_of(session: Session, environment: str) -> Lock | None:
    """Return what an environment is made of."""
    found = session.get(Environment, environment)
    return Lock.model_validate(found.lock) if found else None


def keep(session: Session, lock: Lock) -> None:
    """Note an environment, unless it is known."""
    if session.get(Environment, lock.digest) is None:
        session.add(Environment(id=lock.digest, lock=lock.model_dump(mode="json")))
        session.flush()
