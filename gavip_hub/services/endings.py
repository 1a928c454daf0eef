"""Attempts whose containers are gone are closed, and their jobs move on."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from gavip_hub.domain.ending import End, Stint, Verdict, judge
from gavip_hub.domain.job import JobState
from gavip_hub.services.claims import NOTHING_DONE
from gavip_hub.services.moves import move_all
from gavip_hub.storage import attempts, containers, jobs
from gavip_hub.storage.jobs import Change
from gavip_hub.storage.schema import Attempt, Job

RETRY_SECONDS = (5, 30)
"""How long a job waits after its first and after any later platform failure."""


class Ending(NamedTuple):
    """An attempt of a job whose container is gone, and what was found."""

    job: str
    attempt: int
    end: End


def finish(session: Session, endings: Sequence[Ending], *, at: datetime) -> list[JobState | None]:
    """Close attempts and move their jobs on; return their new states, None where that was done before."""
    held = jobs.locked_all(session, [ending.job for ending in endings])
    newest = attempts.newest(session, held)
    judged = [_judge(ending, held.get(ending.job), newest.get(ending.job)) for ending in endings]
    closed = [one for one in judged if one is not None]
    for _, attempt, verdict, end in closed:
        _close(attempt, verdict, end, at=at)
    containers.close_all(session, [attempt.container for _, attempt, *_ in closed], at=at)
    jobs.add_results(session, [(job.id, row.number, verdict.results) for job, row, verdict, _ in closed])
    changes = [
        Change(job, verdict.state, _changes(verdict, row.number, at)) for job, row, verdict, _ in closed
    ]
    move_all(session, changes, at=at)
    return [one[0].state if one else None for one in judged]


def _judge(
    ending: Ending, job: Job | None, attempt: Attempt | None
) -> tuple[Job, Attempt, Verdict, End] | None:
    if job is None or attempt is None or attempt.number != ending.attempt or attempt.ended_at is not None:
        return None
    return job, attempt, judge(_stint(job, attempt), ending.end), ending.end


def _stint(job: Job, attempt: Attempt) -> Stint:
    return Stint(
        attempt=attempt.number,
        memory_mb=job.memory_mb,
        time_limit=job.time_limit,
        stop_code=job.stop_code,
        step=attempt.step,
        cell=attempt.cell,
    )


def _close(attempt: Attempt, verdict: Verdict, end: End, *, at: datetime) -> None:
    attempt.state = verdict.attempt_state
    attempt.failure = verdict.failure
    attempt.ended_at = at
    if end.exit:
        attempt.exit_code = end.exit.exit_code
        attempt.exit_reason = end.exit.reason
        attempt.memory_peak_mb = end.exit.memory_peak_mb
        attempt.cpu_seconds = end.exit.cpu_seconds
        attempt.course = [list(point) for point in end.exit.course]


def _changes(verdict: Verdict, attempt: int, now: datetime) -> dict[str, Any]:
    if verdict.state is JobState.QUEUED:
        wait = RETRY_SECONDS[min(attempt, len(RETRY_SECONDS)) - 1]
        reason = f"{verdict.failure} It is tried again in {wait} s (attempt {attempt + 1})."
        again = {"not_before": now + timedelta(seconds=wait), "reason": reason, "started_at": None}
        return {**again, **NOTHING_DONE}
    error = verdict.error.model_dump() if verdict.error else None
    done = {"fraction": 1.0} if verdict.state is JobState.COMPLETED else {}
    return {"ended_at": now, "reason": "", "error": error, **done}
