"""The one way in which jobs change their states."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from gavip_hub.domain.job import JobState, may_become, phase_of
from gavip_hub.domain.waits import Told
from gavip_hub.exceptions import Conflict
from gavip_hub.storage import events, jobs
from gavip_hub.storage.events import News
from gavip_hub.storage.jobs import Change, Held
from gavip_hub.storage.schema import Job

STATE = "job.state"
PROGRESS = "job.progress"
PROVENANCE = "job.provenance"


def move(session: Session, job: Job, new: JobState, *, at: datetime, **changes: Any) -> None:
    """Move a job to another state, with its event in the same transaction; see `move_all`."""
    move_all(session, [Change(job, new, changes)], at=at)


def move_all(session: Session, changes: Sequence[Change], *, at: datetime) -> None:
    """Move jobs to other states, with their events in the same transaction.

    Raises
    ------
    gavip_hub.exceptions.Conflict
        The table has no such transition, or somebody else was faster with one of them.
    """
    for job, new, _ in changes:
        if not may_become(job.state, new):
            raise Conflict(
                f"the job is {phase_of(job.state)}: it cannot become {phase_of(new)} ({job.state} -> {new})"
            )
    if not jobs.compare_and_set(session, changes):
        were = " or ".join(sorted({phase_of(change.job.state) for change in changes}))
        raise Conflict(f"the job is no longer {were}: something else happened to it just now")
    events.append_all(session, [_news_of(change) for change in changes], at=at)


def note_state(session: Session, job: Job, *, at: datetime) -> None:
    """Tell that a job's state is new."""
    events.append_all(session, [_news_of(Change(job, job.state, {}))], at=at)


def _news_of(change: Change) -> News:
    attempt, error = change.values.get("attempt", change.job.attempt), change.values.get("error")
    data = {"state": change.state.value, "phase": phase_of(change.state).value, "attempt": attempt}
    more = {"error": error["message"]} if error else {}
    why = {"reason": reason} if (reason := change.values.get("reason")) else {}
    return News(change.job.owner, STATE, change.job.id, {**data, **more, **why})


def note_progress(session: Session, job: Job, *, at: datetime) -> None:
    """Tell how far a job came."""
    events.append(session, owner=job.owner, kind=PROGRESS, subject=job.id, data=progress_of(job), at=at)


def note_provenance(session: Session, job: Job, *, at: datetime, verdict: str = "") -> None:
    """Tell that more is known of what a job's results come of, or how they compare."""
    data = {"verdict": verdict} if verdict else {}
    events.append(session, owner=job.owner, kind=PROVENANCE, subject=job.id, data=data, at=at)


def progress_of(job: Job) -> dict[str, Any]:
    """Return how far a job came, as people are told."""
    return {"fraction": job.fraction, "message": job.message, "step": job.step}


def set_reasons(session: Session, reasons: Iterable[tuple[Held, Told]], *, at: datetime) -> None:
    """Say why jobs wait, and by when they start where that is promised; only what is news is told."""
    news = [(job, told) for job, told in reasons if (job.reason, job.reserved_for) != told]
    if not news:
        return
    jobs.tell(session, [(job.id, *told) for job, told in news])
    events.append_all(
        session, [News(job.owner, "job.reason", job.id, _told(job, told)) for job, told in news], at=at
    )


def _told(job: Held, told: Told) -> dict[str, Any]:
    by = told.starts_by.isoformat() if told.starts_by else None
    return {"reason": told.reason, "starts_by": by, "state": job.state.value}
