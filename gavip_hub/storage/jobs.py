"""Jobs, their attempts and their results."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Select, bindparam, delete, func, select, update
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value

from avi_kernel.protocol.runs import ResultEntry
from gavip_hub.domain.job import FINAL, LIVE, JobState, container_name
from gavip_hub.storage import attempts, provenance
from gavip_hub.storage import rows as rows_at_once
from gavip_hub.storage.among import among
from gavip_hub.storage.schema import Attempt, Container, Job, Release, Result

# Many rows at once go by the tables: the mapped classes would make an object of each.
_JOBS: Any = Job.__table__
_RESULTS: Any = Result.__table__
# Their end is set with their final state; the index of those without one grows with nobody's past.
_NOT_ENDED = select(func.count()).select_from(Job).where(Job.ended_at.is_(None))
_NOT_ENDED_OF_ONE = _NOT_ENDED.where(Job.owner == bindparam("owner"))


class Startable(NamedTuple):
    """What a policy has to know of a queued job; there may be many thousands, and their parameters are large."""

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
    attempt: int
    not_before: datetime | None

    def is_due(self, *, now: datetime, longest: timedelta) -> bool:
        """Tell whether its next attempt may start.

        Parameters
        ----------
        longest
            How long it may have to wait; what lies farther ahead was written before the clock was set back.
        """
        at = self.not_before
        return at is None or not now < at <= now + longest


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
    wanted = wanted.order_by(Job.id.desc()).limit(limit)
    if states is None:
        return list(session.scalars(wanted))
    # One state after the other: each has its index, which for several at once would be read as a whole, or not at all.
    found = [job for state in states for job in session.scalars(wanted.where(Job.state == state))]
    return sorted(found, key=lambda job: job.id, reverse=True)[:limit]


class Held(NamedTuple):
    """What the loop has to know of a job that is held until the transaction ends."""

    id: str
    owner: str
    groups: list[str]
    avi: str
    version: str
    commit: str
    pipeline: str
    state: JobState
    attempt: int
    memory_mb: int
    cpu: float
    time_limit: int
    reason: str
    reserved_for: datetime | None
    request: str
    again_of: str | None


_HELD = [getattr(Job, name) for name in Held._fields]


def locked_all(session: Session, names: Collection[str]) -> dict[str, Held]:
    """Return these jobs, held until the transaction ends; in an order in which no two wait for one another."""
    wanted = select(*_HELD).where(among(session, Job.id, names)).order_by(Job.id).with_for_update()
    return {row.id: Held._make(row) for row in session.execute(wanted)}


Movable = Job | Held | attempts.Launch
"""A job as it was read."""


class Change(NamedTuple):
    """A job as it was read, and what it is to become."""

    job: Movable
    state: JobState
    values: Mapping[str, Any]


def compare_and_set(session: Session, changes: Iterable[Change]) -> bool:
    """Move jobs from the states in which they were read; return False where another was faster with one of them."""
    alike: list[list[Change]] = []  # most jobs of a batch change alike: one statement for all of them
    for change in changes:
        same = next((group for group in alike if _are_alike(group[0], change)), None)
        if same is None:
            alike.append([change])
        else:
            same.append(change)
    session.flush()
    return all(_compare_and_set(session, group) for group in alike)


def _are_alike(one: Change, other: Change) -> bool:
    return (one.job.state, one.state, one.values) == (other.job.state, other.state, other.values)


def _compare_and_set(session: Session, changes: Sequence[Change]) -> bool:
    ids, (job, state, values) = [change.job.id for change in changes], changes[0]
    are_as_read = among(session, _JOBS.c.id, ids) & (_JOBS.c.state == job.state)
    statement = update(_JOBS).where(are_as_read).values(state=state, **values)
    if session.connection().execute(statement).rowcount != len(ids):
        return False
    for change in changes:
        if isinstance(change.job, Job):
            for name, value in {**change.values, "state": state}.items():
                set_committed_value(change.job, name, value)
    return True


def tell(session: Session, told: Iterable[tuple[str, str, datetime | None]]) -> None:
    """Keep why jobs wait, and by when they start where that is promised."""
    rows = [{"id": job, "reason": reason, "reserved_for": starts_by} for job, reason, starts_by in told]
    rows_at_once.change(session, _JOBS, rows, keys=("id",))


def keep_waits(session: Session, waits: Mapping[str, dict[str, Any]]) -> None:
    """Keep where jobs stand in the queue."""
    rows = [{"id": job, "wait": place} for job, place in waits.items()]
    rows_at_once.change(session, _JOBS, rows, keys=("id",))


def keep_estimates(session: Session, estimates: Mapping[str, dict[str, Any] | None]) -> None:
    """Keep when jobs will probably start; None where that is not known any more."""
    rows = [{"id": job, "estimate": found} for job, found in estimates.items()]
    rows_at_once.change(session, _JOBS, rows, keys=("id",))


def count_held(session: Session, *, owner: str | None = None) -> int:
    """Count the jobs that have not ended, those that were never started as well, of one user or of everybody."""
    of_one = {"owner": owner}
    found = session.scalar(_NOT_ENDED) if owner is None else session.scalar(_NOT_ENDED_OF_ONE, of_one)
    return found or 0


def by_state(session: Session) -> dict[JobState, int]:
    """Count the jobs of everybody by state."""
    rows = session.execute(select(Job.state, func.count().label("many")).group_by(Job.state))
    return {row.state: row.many for row in rows}


def are_waiting(session: Session, many: int) -> bool:
    """Tell whether so many jobs wait; reads no more of them than that."""
    wanted = select(Job.id).where(Job.state == JobState.QUEUED).limit(1).offset(max(0, many - 1))
    return session.scalars(wanted).first() is not None


def queued(
    session: Session, names: Collection[str] | None = None, *, limit: int | None = None
) -> list[Startable]:
    """Return the queued jobs, or those among these, oldest first; some may have to wait for their next attempt."""
    of_job = (Job.id, Job.owner, Job.groups, Job.avi, Job.pipeline, Job.memory_mb, Job.cpu, Job.time_limit)
    queued_at = func.coalesce(Job.queued_at, Job.created_at)
    wanted = select(*of_job, Job.reason, Job.reserved_for, queued_at, Job.attempt, Job.not_before)
    wanted = wanted.where(Job.state == JobState.QUEUED)
    if names is not None:
        wanted = wanted.where(among(session, Job.id, names))
    return [Startable._make(row) for row in session.execute(wanted.order_by(Job.id).limit(limit))]


def owners(session: Session, names: Collection[str]) -> set[str]:
    """Return whose jobs these are."""
    return set(session.scalars(select(Job.owner).where(among(session, Job.id, names)).distinct()))


class Standing(NamedTuple):
    """Where a job stands, as far as its containers are concerned."""

    job: str
    owner: str
    pipeline: str
    state: JobState
    attempt: int
    stop_code: str | None
    time_limit: int
    heartbeat_at: datetime | None
    deleted_at: datetime | None
    request: str
    """Id of the request that submitted it."""
    launched_at: datetime | None
    outcome: dict[str, Any] | None
    """What its runner reported as its end."""
    backend_state: dict[str, Any] | None

    @property
    def name(self) -> str:
        """Return the name of its newest attempt's container."""
        return container_name(self.job, self.attempt)


def standings(session: Session, names: Collection[str]) -> dict[str, Standing]:
    """Return where these jobs stand."""
    return {
        row.id: Standing._make(row)
        for row in session.execute(_standings().where(among(session, Job.id, names)))
    }


def live(session: Session) -> list[Standing]:
    """Return where all jobs stand that may have a container."""
    wanted = _standings().where(Job.state.in_(LIVE)).order_by(Job.id)
    return [Standing._make(row) for row in session.execute(wanted)]


def _standings() -> Select[Any]:
    of_job: list[Any] = [Job.id, Job.owner, Job.pipeline, Job.state, Job.attempt, Job.stop_code]
    of_job += [Job.time_limit, Job.heartbeat_at, Job.deleted_at, Job.request]
    return (
        select(*of_job, Attempt.started_at, Attempt.outcome, Container.backend_state)
        .outerjoin(Attempt, (Attempt.job == Job.id) & (Attempt.number == Job.attempt))
        .outerjoin(Container, Container.id == Attempt.container)
    )


def leftovers(session: Session) -> list[str]:
    """Return the jobs of which something is left to be removed: a container, or all of a deleted one."""
    ended = attempts.uncleared().where(Attempt.ended_at.is_not(None))
    # Deleted ones are few and soon gone. Were their state a part of the question, SQLite would take that one's index, which has
    # all jobs that ever ended, at each pass of the scheduler.
    deleted = session.execute(select(Job.id, Job.state).where(Job.deleted_at.is_not(None)))
    gone = [row.id for row in deleted if row.state in FINAL]
    return sorted({*session.scalars(ended), *gone})  # each by an index of its own


def ended(session: Session, names: Collection[str]) -> list[str]:
    """Return the final jobs, not deleted, of which one of these containers was an attempt."""
    wanted = (
        select(Job.id)
        .join(Attempt, Attempt.job == Job.id)
        .join(Container, Container.id == Attempt.container)
        .where(among(session, Container.ref, names), Job.state.in_(FINAL), Job.deleted_at.is_(None))
    )
    return list(session.scalars(wanted.distinct().order_by(Job.id)))


def release_spec(session: Session, job: Job) -> dict[str, Any]:
    """Return what the job's release declares."""
    wanted = select(Release.spec).where(Release.avi == job.avi, Release.version == job.version)
    spec: dict[str, Any] = session.scalars(wanted).one()
    return spec


def results_of(session: Session, jobs: Collection[str]) -> dict[str, list[ResultEntry]]:
    """Return the verified results of these jobs, each in its pipeline's order."""
    found: dict[str, list[ResultEntry]] = {job: [] for job in jobs}
    for row in session.scalars(
        select(Result).where(among(session, Result.job, jobs)).order_by(Result.job, Result.place)
    ):
        found[row.job].append(
            ResultEntry(
                name=row.name, title=row.title, media_type=row.media_type, size=row.size, sha256=row.sha256
            )
        )
    return found


def result_counts(session: Session, jobs: Collection[str]) -> dict[str, int]:
    """Return how many results these jobs have; a job without any is left out."""
    wanted = (
        select(Result.job, func.count().label("many"))
        .where(among(session, Result.job, jobs))
        .group_by(Result.job)
    )
    return {row.job: row.many for row in session.execute(wanted)}


def add_results(session: Session, made: Iterable[tuple[str, int, Collection[ResultEntry]]]) -> None:
    """Keep what jobs' attempts made; their platform has verified sizes and hashes."""
    rows = [
        {"job": job, "attempt": attempt, "place": place, **entry.model_dump()}
        for job, attempt, results in made
        for place, entry in enumerate(results)
    ]
    rows_at_once.add(session, _RESULTS, rows)


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
    containers = [attempt.container for attempt in attempts.of_job(session, job)]
    provenance.forget(session, job)
    session.execute(delete(Result).where(Result.job == job))
    session.execute(delete(Attempt).where(Attempt.job == job))
    session.execute(delete(Container).where(among(session, Container.id, containers)))
    session.execute(delete(Job).where(Job.id == job))
