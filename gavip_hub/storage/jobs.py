"""Jobs, their attempts and their results."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Select, delete, func, or_, select, update
from sqlalchemy.orm import Session

from avi_kernel.protocol.runs import ResultEntry
from gavip_hub.domain.job import FINAL, LIVE, JobState
from gavip_hub.storage.schema import Attempt, Container, Job, Release, Result


class Startable(NamedTuple):
    """What a policy has to know of a queued job; there may be thousands, and their parameters are large."""

    id: str
    owner: str
    groups: list[str]
    avi: str
    pipeline: str
    memory_mb: int
    cpu: float
    time_limit: int
    reason: str
    reserved_for: datetime | None
    queued_at: datetime


class Recorded(NamedTuple):
    """When a job was asked for and how long it ran."""

    id: str
    owner: str
    avi: str
    pipeline: str
    memory_mb: int
    cpu: float
    time_limit: int
    queued_at: datetime
    started_at: datetime
    ended_at: datetime


def locked(session: Session, job: str) -> Job | None:
    """Return a job and hold it until the transaction ends; its attempts are written only by who holds it."""
    return session.get(Job, job, with_for_update=True, populate_existing=True)


def owned(
    session: Session, *, owner: str, job: str, avi: str | None = None, lock: bool = False
) -> Job | None:
    """Return the owner's job, unless it was deleted or belongs to another AVI than the one asked for."""
    found = locked(session, job) if lock else session.get(Job, job)
    if found is None or found.owner != owner or found.deleted_at is not None:
        return None
    return found if avi in (None, found.avi) else None


def page(
    session: Session,
    *,
    owner: str,
    before: str | None = None,
    limit: int,
    avi: str | None = None,
    states: Collection[JobState] | None = None,
) -> list[Job]:
    """Return the owner's jobs older than `before`, newest first."""
    wanted = select(Job).where(Job.owner == owner, Job.deleted_at.is_(None))
    if before is not None:
        wanted = wanted.where(Job.id < before)
    if avi is not None:
        wanted = wanted.where(Job.avi == avi)
    if states is not None:
        wanted = wanted.where(Job.state.in_(states))
    return list(session.scalars(wanted.order_by(Job.id.desc()).limit(limit)))


def compare_and_set(session: Session, job: Job, new: JobState, **values: Any) -> bool:
    """Move a job from the state in which it was read; return False where another was faster."""
    changed = session.execute(
        update(Job)
        .where(Job.id == job.id, Job.state == job.state)
        .values(state=new, **values)
        .returning(Job.id)
        .execution_options(synchronize_session=False)
    )
    if changed.first() is None:
        return False
    session.refresh(job)
    return True


def count_held(session: Session, *, owner: str | None = None) -> int:
    """Count the jobs that have not ended, those that were never started as well, of one user or of everybody."""
    wanted = select(func.count()).select_from(Job).where(Job.state.not_in(FINAL))
    return session.scalar(wanted if owner is None else wanted.where(Job.owner == owner)) or 0


def by_state(session: Session) -> dict[JobState, int]:
    """Count the jobs of everybody by state."""
    rows = session.execute(select(Job.state, func.count().label("many")).group_by(Job.state))
    return {row.state: row.many for row in rows}


def are_waiting(session: Session, many: int) -> bool:
    """Tell whether so many jobs wait; reads no more of them than that."""
    wanted = select(Job.id).where(Job.state == JobState.QUEUED).limit(1).offset(max(0, many - 1))
    return session.scalars(wanted).first() is not None


def startable(session: Session, *, now: datetime, longest: timedelta) -> list[Startable]:
    """Return the queued jobs that may be started, oldest first.

    Parameters
    ----------
    longest
        How long a job may have to wait; what lies farther ahead was written before the clock was set back.
    """
    ready = or_(Job.not_before.is_(None), Job.not_before <= now, Job.not_before > now + longest)
    queued_at = func.coalesce(Job.queued_at, Job.created_at)
    asked = (Job.memory_mb, Job.cpu, Job.time_limit)
    columns = (
        Job.id,
        Job.owner,
        Job.groups,
        Job.avi,
        Job.pipeline,
        *asked,
        Job.reason,
        Job.reserved_for,
        queued_at,
    )
    wanted = select(*columns).where(Job.state == JobState.QUEUED, ready, Job.id.not_in(_uncleared()))
    return [Startable(*row) for row in session.execute(wanted.order_by(Job.id))]


def is_clear(session: Session, job: str) -> bool:
    """Tell whether nothing of a job's earlier containers is left."""
    return session.scalars(_uncleared().where(Attempt.job == job)).first() is None


def _uncleared() -> Select[Any]:
    return select(Attempt.job).where(Attempt.cleared_at.is_(None))


def live(session: Session) -> list[tuple[Job, Attempt, Container]]:
    """Return all jobs that may have a container, with their newest attempt and its ledger row."""
    rows = session.execute(
        select(Job, Attempt, Container)
        .join(Attempt, (Attempt.job == Job.id) & (Attempt.number == Job.attempt))
        .join(Container, Container.id == Attempt.container)
        .where(Job.state.in_(LIVE))
        .order_by(Job.id)
    )
    return [(job, attempt, container) for job, attempt, container in rows]


def leftovers(session: Session) -> list[str]:
    """Return the jobs of which something is left to be removed: a container, or all of a deleted one."""
    ended = _uncleared().where(Attempt.ended_at.is_not(None))
    gone = Job.deleted_at.is_not(None) & Job.state.in_(FINAL)
    return list(session.scalars(select(Job.id).where(or_(gone, Job.id.in_(ended))).order_by(Job.id)))


def known_containers(session: Session, names: Collection[str]) -> set[str]:
    """Return which of these container names belong to attempts that are not cleared."""
    wanted = select(Container.ref).join(Attempt, Attempt.container == Container.id)
    return set(session.scalars(wanted.where(Container.ref.in_(names), Attempt.cleared_at.is_(None))))


def ended(session: Session, names: Collection[str]) -> list[str]:
    """Return the final jobs, not deleted, of which one of these containers was an attempt."""
    wanted = (
        select(Job.id)
        .join(Attempt, Attempt.job == Job.id)
        .join(Container, Container.id == Attempt.container)
        .where(Container.ref.in_(names), Job.state.in_(FINAL), Job.deleted_at.is_(None))
    )
    return list(session.scalars(wanted.distinct().order_by(Job.id)))


def attempts_of(session: Session, job: str) -> list[Attempt]:
    """Return all starts of a job, first one first."""
    return list(session.scalars(select(Attempt).where(Attempt.job == job).order_by(Attempt.number)))


def attempt_by_token(session: Session, token_hash: str) -> Attempt | None:
    """Return the attempt that this token belongs to, while it lasts."""
    wanted = select(Attempt).where(Attempt.token_hash == token_hash, Attempt.ended_at.is_(None))
    return session.scalars(wanted).one_or_none()


def release_spec(session: Session, job: Job) -> dict[str, Any]:
    """Return what the job's release declares."""
    wanted = select(Release.spec).where(Release.avi == job.avi, Release.version == job.version)
    spec: dict[str, Any] = session.scalars(wanted).one()
    return spec


def results_of(session: Session, jobs: Collection[str]) -> dict[str, list[ResultEntry]]:
    """Return the verified results of these jobs, each in its pipeline's order."""
    found: dict[str, list[ResultEntry]] = {job: [] for job in jobs}
    for row in session.scalars(select(Result).where(Result.job.in_(jobs)).order_by(Result.job, Result.place)):
        found[row.job].append(
            ResultEntry(
                name=row.name, title=row.title, media_type=row.media_type, size=row.size, sha256=row.sha256
            )
        )
    return found


def result_counts(session: Session, jobs: Collection[str]) -> dict[str, int]:
    """Return how many results these jobs have; a job without any is left out."""
    wanted = select(Result.job, func.count().label("many")).where(Result.job.in_(jobs)).group_by(Result.job)
    return {row.job: row.many for row in session.execute(wanted)}


def add_results(session: Session, *, job: str, attempt: int, results: Collection[ResultEntry]) -> None:
    """Keep what an attempt made; its platform has verified sizes and hashes."""
    for place, entry in enumerate(results):
        session.add(Result(job=job, attempt=attempt, place=place, **entry.model_dump()))
    session.flush()


def ran_for(session: Session, *, avi: str, pipeline: str, limit: int) -> list[float]:
    """Return for how many seconds the newest jobs of a pipeline ran that completed."""
    wanted = (
        select(func.coalesce(Attempt.running_at, Attempt.started_at), Attempt.ended_at)
        .join(Job, (Attempt.job == Job.id) & (Attempt.number == Job.attempt))
        .where(Job.avi == avi, Job.pipeline == pipeline, Job.state == JobState.COMPLETED)
        .where(Attempt.ended_at.is_not(None))
        .order_by(Job.id.desc())
        .limit(limit)
    )
    return [(until - since).total_seconds() for since, until in session.execute(wanted) if until]


def peaks(session: Session, *, owner: str, avi: str, pipeline: str, limit: int) -> list[float]:
    """Return the MB that the owner's newest jobs of a pipeline held at their peaks that completed."""
    wanted = (
        select(Attempt.memory_peak_mb)
        .join(Job, (Attempt.job == Job.id) & (Attempt.number == Job.attempt))
        .where(Job.avi == avi, Job.pipeline == pipeline, Job.state == JobState.COMPLETED)
        .where(Job.owner == owner, Attempt.memory_peak_mb.is_not(None))
        .order_by(Job.id.desc())
        .limit(limit)
    )
    return [peak for peak in session.scalars(wanted) if peak is not None]


def estimated(session: Session) -> list[str]:
    """Return the queued jobs of which somebody estimated when they start."""
    wanted = select(Job.id).where(Job.state == JobState.QUEUED, Job.estimate.is_not(None))
    return list(session.scalars(wanted))


def recorded(session: Session, *, limit: int) -> list[Recorded]:
    """Return the newest jobs that ran and ended, newest first."""
    asked = (Job.id, Job.owner, Job.avi, Job.pipeline, Job.memory_mb, Job.cpu, Job.time_limit)
    queued_at = func.coalesce(Job.queued_at, Job.created_at)
    started_at = func.coalesce(Attempt.running_at, Attempt.started_at)
    wanted = (
        select(*asked, queued_at, started_at, func.coalesce(Attempt.ended_at, started_at))
        .join(Attempt, (Attempt.job == Job.id) & (Attempt.number == Job.attempt))
        .where(Job.state.in_(FINAL), Attempt.ended_at.is_not(None))
        .order_by(Job.id.desc())
        .limit(limit)
    )
    return [Recorded._make(row) for row in session.execute(wanted)]


def remove(session: Session, job: str) -> None:
    """Delete a job with its attempts, results and ledger rows."""
    containers = [attempt.container for attempt in attempts_of(session, job)]
    session.execute(delete(Result).where(Result.job == job))
    session.execute(delete(Attempt).where(Attempt.job == job))
    session.execute(delete(Container).where(Container.id.in_(containers)))
    session.execute(delete(Job).where(Job.id == job))
