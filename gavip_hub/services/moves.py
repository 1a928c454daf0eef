"""The one way in which a job changes its state."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from gavip_hub.domain.job import JobState, may_become, phase_of
from gavip_hub.domain.waits import Told
from gavip_hub.exceptions import Conflict
from gavip_hub.storage import events, jobs
from gavip_hub.storage.schema import Job

PROGRESS = "job.progress"


def move(session: Session, job: Job, new: JobState, *, at: datetime, **changes: Any) -> None:
    """Move a job to another state, with its event in the same transaction.

    Raises
    ------
    gavip_hub.exceptions.Conflict
        The table has no such transition, or somebody else was faster.
    """
    before = job.state
    if not may_become(before, new):
        raise Conflict(f"the job is {phase_of(before)}: it cannot become {phase_of(new)} ({before} -> {new})")
    if not jobs.compare_and_set(session, job, new, **changes):
        raise Conflict(f"the job is no longer {phase_of(before)}: something else happened to it just now")
    note_state(session, job, at=at)


def note_state(session: Session, job: Job, *, at: datetime) -> None:
    """Tell that a job's state is new."""
    data = {"state": job.state.value, "phase": phase_of(job.state).value, "attempt": job.attempt}
    if job.error:
        data["error"] = job.error["message"]
    events.append(session, owner=job.owner, kind="job.state", subject=job.id, data=data, at=at)


def note_progress(session: Session, job: Job, *, at: datetime) -> None:
    """Tell how far a job came."""
    events.append(session, owner=job.owner, kind=PROGRESS, subject=job.id, data=progress_of(job), at=at)


def progress_of(job: Job) -> dict[str, Any]:
    """Return how far a job came, as people are told."""
    return {"fraction": job.fraction, "message": job.message, "step": job.step}


def set_reason(session: Session, job: Job, told: Told, *, at: datetime) -> None:
    """Say why a job waits, and by when it starts where that is promised; told only when it is news."""
    if (job.reason, job.reserved_for) == told:
        return
    job.reason, job.reserved_for = told
    session.flush()
    by = told.starts_by.isoformat() if told.starts_by else None
    data = {"reason": told.reason, "starts_by": by, "state": job.state.value}
    events.append(session, owner=job.owner, kind="job.reason", subject=job.id, data=data, at=at)
