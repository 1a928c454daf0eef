"""Rows of what results come of."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from gavip_hub.domain.job import JobState
from gavip_hub.storage.among import among
from gavip_hub.storage.provenance_schema import Comparison, Facts, Input
from gavip_hub.storage.schema import Job, Release

MOST_AT_ONCE = 200
MOST_PLACES = 10


class Open(NamedTuple):
    """A job of which something is still to be kept."""

    job: str
    owner: str
    avi: str
    version: str
    state: JobState
    attempt: int
    started_at: datetime | None
    is_noted: bool


def add(session: Session, job: Job, inputs: Sequence[Input]) -> None:
    """Begin to keep what a new job comes of."""
    wanted = select(Release.environment).where(Release.avi == job.avi, Release.version == job.version)
    session.add(Facts(job=job.id, environment=session.scalar(wanted), queries=[]))
    session.add_all(inputs)
    session.flush()


def opened(session: Session, names: Collection[str] | None) -> list[Open]:
    """Return those of these jobs that have started and of which something is to be kept, oldest first.

    Parameters
    ----------
    names
        None: of all jobs, which in a long queue takes a while.
    """
    columns = (Job.id, Job.owner, Job.avi, Job.version, Job.state, Job.attempt, Job.started_at)
    wanted = (
        select(*columns, Facts.noted_at.is_not(None))
        .join(Facts, Facts.job == Job.id)
        .where(Facts.closed_at.is_(None), (Job.attempt > 0) | Job.ended_at.is_not(None))
        .order_by(Job.id)
    )
    if names is not None:
        wanted = wanted.where(among(session, Facts.job, names))
    return [Open._make(row) for row in session.execute(wanted)]


def facts(session: Session, job: str) -> Facts | None:
    """Return what is kept of a job."""
    return session.get(Facts, job)


def inputs(session: Session, job: str) -> list[Input]:
    """Return the files that a job reads, by parameter."""
    return list(session.scalars(select(Input).where(Input.job == job).order_by(Input.parameter)))


def with_key(session: Session, *, owner: str, key: str) -> Job | None:
    """Return the newest completed job of somebody that made the same of the same."""
    wanted = (
        select(Job)
        .join(Facts, Facts.job == Job.id)
        .where(Facts.key == key, Job.owner == owner, Job.deleted_at.is_(None), Job.archived_at.is_(None))
        .where(Job.state == JobState.COMPLETED)
        .order_by(Job.id.desc())
        .limit(1)
    )
    return session.scalar(wanted)


def hashed(session: Session, *, owner: str, path: str, stamp: str) -> str | None:
    """Return the hash that was taken of a file of somebody, if it has not been touched since."""
    wanted = (
        select(Input.sha256)
        .join(Job, Job.id == Input.job)
        .where(Job.owner == owner, Input.path == path, Input.stamp == stamp, Input.sha256.is_not(None))
        .order_by(Input.job.desc())
        .limit(1)
    )
    return session.scalar(wanted)


def paths_with(session: Session, *, owner: str, sha256: str) -> list[tuple[str, str]]:
    """Return path and stamp of files that jobs of somebody read with this content, the latest first."""
    wanted = (
        select(Input.path, Input.stamp)
        .join(Job, Job.id == Input.job)
        .where(Job.owner == owner, Input.sha256 == sha256, Input.stamp.is_not(None))
        .order_by(Input.job.desc())
        .limit(MOST_PLACES)
    )
    return [(row.path, row.stamp) for row in session.execute(wanted)]


def comparison(session: Session, job: str) -> Comparison | None:
    """Return how a job that was run again compares."""
    return session.get(Comparison, job)


def comparisons_to_make(session: Session) -> list[Comparison]:
    """Return those that wait, oldest first."""
    wanted = select(Comparison).where(Comparison.made_at.is_(None)).order_by(Comparison.job)
    return list(session.scalars(wanted.limit(MOST_AT_ONCE)))


def forget(session: Session, job: str) -> None:
    """Remove all that is kept of a job."""
    for table in (Input, Facts, Comparison):
        session.execute(delete(table).where(table.job == job))
