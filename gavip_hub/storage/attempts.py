"""Attempts: the starts of jobs, each with a container, a folder and a token of its own."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Select, select, update
from sqlalchemy.orm import Session

from gavip_hub.domain.job import AttemptState, JobState
from gavip_hub.storage import rows as rows_at_once
from gavip_hub.storage.among import among
from gavip_hub.storage.schema import Attempt, Container, Job

_TABLE: Any = Attempt.__table__


class Launch(NamedTuple):
    """A job whose newest attempt has not ended, as far as that attempt is concerned."""

    id: str
    """Of the job."""
    owner: str
    groups: list[str]
    state: JobState
    attempt: int
    memory_mb: int
    again_with_more_memory: bool
    time_limit: int
    stop_code: str | None
    container: str
    """Id of the attempt's ledger row."""
    step: str
    cell: int | None


_OF_JOB = (Job.id, Job.owner, Job.groups, Job.state, Job.attempt, Job.memory_mb, Job.again_with_more_memory)


def locked_launches(session: Session, names: Collection[str]) -> dict[str, Launch]:
    """Return where these jobs stand whose newest attempts have not ended; held until the transaction ends."""
    wanted = (
        select(*_OF_JOB, Job.time_limit, Job.stop_code, Attempt.container, Attempt.step, Attempt.cell)
        .join(Attempt, (Attempt.job == Job.id) & (Attempt.number == Job.attempt))
        # By the attempts' jobs: PostgreSQL, before it has counted a young table, reads all jobs for each attempt otherwise.
        .where(among(session, Attempt.job, names), Attempt.ended_at.is_(None))
        .order_by(Job.id)
        # Both: a job that was waited for may have another attempt by now, or none that goes on.
        .with_for_update(of=[Job, Attempt])
    )
    return {row.id: Launch._make(row) for row in session.execute(wanted)}


def jobs_left_over(session: Session, names: Collection[str]) -> set[str]:
    """Return of which of these jobs something of an earlier container is left."""
    return set(session.scalars(uncleared().where(among(session, Attempt.job, names))))


def uncleared() -> Select[Any]:
    """Return the question of which jobs something of an attempt's container is left."""
    return select(Attempt.job).where(Attempt.cleared_at.is_(None))


def left_over(session: Session, names: Collection[str]) -> dict[str, list[tuple[int, dict[str, Any]]]]:
    """Return number and backend state of these jobs' ended attempts that still hold something, first one first."""
    wanted = (
        select(Attempt.job, Attempt.number, Container.backend_state)
        .join(Container, Container.id == Attempt.container)
        .where(
            among(session, Attempt.job, names), Attempt.ended_at.is_not(None), Attempt.cleared_at.is_(None)
        )
        .order_by(Attempt.job, Attempt.number)
    )
    found = defaultdict[str, list[tuple[int, dict[str, Any]]]](list)
    for job, number, state in session.execute(wanted):
        found[job].append((number, state))
    return found


def clear(session: Session, gone: Collection[tuple[str, int]], *, at: datetime) -> None:
    """Note that nothing is left of these attempts' containers; no harm where that is known."""
    # A statement that names pairs takes PostgreSQL ten times as long.
    alike = defaultdict[int, list[str]](list)
    for job, number in gone:
        alike[number].append(job)
    for number, names in sorted(alike.items()):
        these = among(session, _TABLE.c.job, names) & (_TABLE.c.number == number)
        over = these & _TABLE.c.ended_at.is_not(None)
        session.connection().execute(update(_TABLE).where(over).values(cleared_at=at))


def known_containers(session: Session, names: Collection[str]) -> set[str]:
    """Return which of these container names belong to attempts that are not cleared."""
    wanted = select(Container.ref).join(Attempt, Attempt.container == Container.id)
    return set(
        session.scalars(wanted.where(among(session, Container.ref, names), Attempt.cleared_at.is_(None)))
    )


def of_job(session: Session, job: str) -> list[Attempt]:
    """Return all starts of a job, first one first."""
    return list(session.scalars(select(Attempt).where(Attempt.job == job).order_by(Attempt.number)))


def by_token(session: Session, token_hash: str) -> Attempt | None:
    """Return the attempt that this token belongs to, while it lasts."""
    wanted = select(Attempt).where(Attempt.token_hash == token_hash, Attempt.ended_at.is_(None))
    return session.scalars(wanted).one_or_none()


def add_all(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add starts of jobs; their ledger rows are there."""
    rows_at_once.add(session, _TABLE, rows)


def mark_running(session: Session, containers: Collection[str], *, at: datetime) -> None:
    """Note since when the attempts in these containers run, where that is not known."""
    new = among(session, _TABLE.c.container, containers) & _TABLE.c.running_at.is_(None)
    session.connection().execute(update(_TABLE).where(new).values(running_at=at, state=AttemptState.RUNNING))


def end(session: Session, ended: Sequence[Mapping[str, Any]], *, at: datetime) -> None:
    """Note how attempts ended: of each the same columns, its job and number among them."""
    rows_at_once.change(session, _TABLE, [{**one, "ended_at": at} for one in ended], keys=("job", "number"))
