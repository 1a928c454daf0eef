"""Attempts whose containers are gone are closed, and their jobs move on."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from gavip_hub.domain.ending import OUT_OF_MEMORY, End, Stint, Verdict, judge
from gavip_hub.domain.job import JobState
from gavip_hub.services.claims import NOTHING_DONE
from gavip_hub.services.moves import move_all
from gavip_hub.services.quotas import QuotaService
from gavip_hub.storage import attempts, containers, jobs
from gavip_hub.storage.attempts import Launch
from gavip_hub.storage.jobs import Change

RETRY_SECONDS = (5, 30)
"""How long a job waits after its first and after any later platform failure."""


class Ending(NamedTuple):
    """An attempt of a job whose container is gone, and what was found."""

    job: str
    attempt: int
    end: End


def finish(
    session: Session, quotas: QuotaService, endings: Sequence[Ending], *, at: datetime
) -> list[JobState | None]:
    """Close attempts and move their jobs on; return their new states, None where that was done before."""
    open_ones = attempts.locked_launches(session, [ending.job for ending in endings])
    judged = [_judge(ending, open_ones.get(ending.job), quotas) for ending in endings]
    closed = [one for one in judged if one is not None]
    attempts.end(session, [_ended(*one) for one in closed], at=at)
    containers.close_all(session, [launch.container for launch, *_ in closed], at=at)
    jobs.add_results(session, [(launch.id, launch.attempt, verdict.results) for launch, verdict, _ in closed])
    changes = [Change(launch, verdict.state, _changes(verdict, launch, at)) for launch, verdict, _ in closed]
    move_all(session, changes, at=at)
    return [one[1].state if one else None for one in judged]


def _judge(ending: Ending, launch: Launch | None, quotas: QuotaService) -> tuple[Launch, Verdict, End] | None:
    if launch is None or launch.attempt != ending.attempt:
        return None
    return launch, judge(_stint(launch, quotas), ending.end), ending.end


def _stint(launch: Launch, quotas: QuotaService) -> Stint:
    most_mb = quotas.most_memory(launch.groups) if launch.again_with_more_memory else None
    return Stint(
        attempt=launch.attempt,
        memory_mb=launch.memory_mb,
        time_limit=launch.time_limit,
        stop_code=launch.stop_code,
        step=launch.step,
        cell=launch.cell,
        most_mb=most_mb,
    )


def _ended(launch: Launch, verdict: Verdict, end: End) -> dict[str, Any]:
    record = end.exit
    return {
        "job": launch.id,
        "number": launch.attempt,
        "state": verdict.attempt_state,
        "failure": verdict.failure,
        "exit_code": record and record.exit_code,
        "exit_reason": record and record.reason,
        "memory_peak_mb": record and record.memory_peak_mb,
        "cpu_seconds": record and record.cpu_seconds,
        "course": record and [list(point) for point in record.course],
    }


def _changes(verdict: Verdict, launch: Launch, now: datetime) -> dict[str, Any]:
    if verdict.memory_mb is not None:
        return _more_memory(launch, verdict.memory_mb)
    if verdict.state is JobState.QUEUED:
        attempt = launch.attempt
        wait = RETRY_SECONDS[min(attempt, len(RETRY_SECONDS)) - 1]
        reason = f"{verdict.failure} It is tried again in {wait} s (attempt {attempt + 1})."
        again = {"not_before": now + timedelta(seconds=wait), "reason": reason, "started_at": None}
        return {**again, **NOTHING_DONE}
    error = verdict.error.model_dump() if verdict.error else None
    done = {"fraction": 1.0} if verdict.state is JobState.COMPLETED else {}
    return {"ended_at": now, "reason": "", "error": error, **done}


def _more_memory(launch: Launch, more_mb: int) -> dict[str, Any]:
    """Return what changes of a job that ran out of memory and is started again with more, as its owner wished."""
    reason = f"It ran out of memory at {launch.memory_mb} MB and is started again with {more_mb} MB."
    again = {"memory_mb": more_mb, "memory_source": OUT_OF_MEMORY, "reason": reason, "started_at": None}
    return {**again, **NOTHING_DONE}
