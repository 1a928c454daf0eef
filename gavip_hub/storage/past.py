"""What ran in the past, as far as it tells of what will run."""

import json
from collections.abc import Collection, Mapping
from datetime import datetime
from itertools import repeat
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Row, Select, String, bindparam, cast, func, literal, select, union_all
from sqlalchemy.orm import Session

from gavip_hub.domain.ending import OUT_OF_MEMORY
from gavip_hub.domain.job import JobState
from gavip_hub.storage.among import among
from gavip_hub.storage.schema import Attempt, Container, Job
from gavip_hub.storage.servers import SERVERS


def parts_ran(session: Session, *, limit: int) -> list[float]:
    """Return the part of its time limit that each of the newest jobs ran that completed."""
    since = func.coalesce(Attempt.running_at, Attempt.started_at)
    wanted = (
        select(since, Attempt.ended_at, Job.time_limit)
        .join(Job, (Attempt.job == Job.id) & (Attempt.number == Job.attempt))
        .where(Job.state == JobState.COMPLETED, Attempt.ended_at.is_not(None))
        .order_by(Job.id.desc())
        .limit(limit)
    )
    rows = session.execute(wanted)
    return [(until - begun).total_seconds() / max(1, most) for begun, until, most in rows if until]


def _ended(state: JobState) -> Select[Any]:
    """Ask for jobs of a pipeline that ended so; of one state an index alone answers, in its order."""
    asked = (Job.avi == bindparam("avi"), Job.pipeline == bindparam("pipeline"))
    wanted = select(Job.id).where(*asked, Job.state == state).order_by(Job.id.desc())
    return select(wanted.limit(bindparam("limit")).subquery().c.id)


_OF_THEIR_OWN = union_all(_ended(JobState.COMPLETED), _ended(JobState.ERROR)).subquery()
_NEWEST_ENDED = select(func.aggregate_strings(_OF_THEIR_OWN.c.id, " "))
"""Made once, as to put it together takes longer than the answer. One row: for each the driver lets go of Python's lock and waits
for it again, behind whatever else computes."""


def newest_ended(session: Session, *, avi: str, pipeline: str, limit: int) -> str:
    """Return the newest jobs of a pipeline among which runs are looked for first; while these stay, so does what they tell."""
    found = session.scalar(_NEWEST_ENDED, {"avi": avi, "pipeline": pipeline, "limit": limit})
    return found or ""


LOOKED_THROUGH = 3
"""Times as many jobs are looked through as runs are wanted."""


class Measured(NamedTuple):
    """A run of which it is known how much memory it held: one that ended well, or was killed for lack of it."""

    job: str
    owner: str
    parameters: dict[str, Any]
    peak_mb: float
    memory_mb: int
    """What it was given."""
    is_killed: bool


def measured(session: Session, *, avi: str, pipeline: str, limit: int) -> list[Measured]:
    """Return the newest runs of a pipeline that tell of its memory, newest first; of each job its last attempt.

    They are looked for among its newest jobs only: none of a hundred thousand may tell, where nothing is measured.
    """
    # One after the other: of two states at once all of a pipeline's jobs would be sorted.
    asked = {"avi": avi, "pipeline": pipeline, "limit": limit}
    runs: list[tuple[Any, ...]] = []
    for state, newest in _NEWEST.items():
        runs += [(*row, state is JobState.ERROR) for row in _telling(session, newest, asked)]
    runs = sorted(runs, reverse=True)[:limit]
    given = _parameters(session, [run[0] for run in runs])
    return [Measured(job, owner, given[job], *rest) for job, owner, *rest in runs]


def _runs_of(state: JobState, tells: ColumnElement[bool], *earlier: ColumnElement[bool]) -> Select[Any]:
    """Ask for the newest jobs of a pipeline that ended so, each with its last run where that tells of memory."""
    asked = (Job.avi == bindparam("avi"), Job.pipeline == bindparam("pipeline"))
    jobs = select(Job.id, Job.owner, Job.attempt).where(*asked, Job.state == state, *earlier)
    newest = jobs.order_by(Job.id.desc()).limit(bindparam("limit")).subquery()
    last = (Attempt.job == newest.c.id) & (Attempt.number == newest.c.attempt)
    told = (newest.c.id, newest.c.owner, Attempt.memory_peak_mb, Attempt.memory_mb)
    return select(*told).outerjoin(Attempt, last & Attempt.memory_peak_mb.is_not(None) & tells)


_TELLS = {JobState.COMPLETED: Attempt.memory_mb > 0, JobState.ERROR: Attempt.exit_reason == OUT_OF_MEMORY}
_NEWEST = {
    state: (_runs_of(state, tells), _runs_of(state, tells, Job.id < bindparam("before")))
    for state, tells in _TELLS.items()
}
"""The newest of all, and the newest of those before another."""


def _telling(
    session: Session, newest: tuple[Select[Any], Select[Any]], asked: Mapping[str, Any]
) -> list[Row[Any]]:
    """Return the newest runs that tell of memory; as many jobs are looked at at a time as runs are wanted."""
    found: list[Row[Any]] = []
    first, earlier = newest
    before: dict[str, str] = {}
    for wanted in (first, *repeat(earlier, LOOKED_THROUGH - 1)):
        rows = list(session.execute(wanted, {**asked, **before}))
        found += [row for row in rows if row.memory_peak_mb is not None]
        if len(found) >= asked["limit"] or len(rows) < asked["limit"]:
            break
        before = {"before": min(row.id for row in rows)}
    return found


def _parameters(session: Session, jobs: Collection[str]) -> dict[str, dict[str, Any]]:
    """Return the parameters of these jobs alone: to take those apart takes longer than all else, so it is done at once."""
    if not jobs:
        return {}
    told = literal('"').concat(Job.id).concat('":').concat(cast(Job.parameters, String))
    found = session.scalar(select(func.aggregate_strings(told, ",")).where(among(session, Job.id, jobs)))
    given: dict[str, dict[str, Any]] = json.loads("{" + (found or "") + "}")
    return given


def open_for(session: Session, *, limit: int) -> list[float]:
    """Return for how many seconds the newest servers were open that were closed again."""
    # As literals: only so SQLite sees that all of these are in the index `servers_closed`.
    kinds: Any = bindparam("kinds", SERVERS, expanding=True, literal_execute=True)
    wanted = (
        select(Container.created_at, Container.closed_at)
        .where(Container.closed_at.is_not(None), Container.kind.in_(kinds))
        .order_by(Container.id.desc())
        .limit(limit)
    )
    return [(until - since).total_seconds() for since, until in session.execute(wanted) if until]


def started(session: Session, jobs: Collection[str]) -> dict[str, datetime]:
    """Return when those of these jobs started that did."""
    wanted = select(Job.id, Job.started_at).where(among(session, Job.id, jobs), Job.started_at.is_not(None))
    return {row.id: row.started_at for row in session.execute(wanted)}
