"""Rows as people see them."""

from sqlalchemy.orm import Session

from avi_kernel.protocol.api import AttemptView, EventView, JobView, UsagePoint, UsageView
from avi_kernel.protocol.runs import JobError, ResultEntry
from gavip_hub.domain.job import phase_of
from gavip_hub.storage import attempts, jobs
from gavip_hub.storage.schema import Attempt, Event, Job


def job_view(session: Session, job: Job, *, portal: str) -> JobView:
    """Return a job with its attempts and results."""
    starts = [attempt_view(attempt) for attempt in attempts.of_job(session, job.id)]
    results = jobs.results_of(session, [job.id])[job.id]
    return _view(job, portal=portal, attempts=starts, results=results, count=len(results))


def job_row(job: Job, *, portal: str, count: int) -> JobView:
    """Return a job for a list: with neither attempts nor results, but how many of these there are."""
    return _view(job, portal=portal, attempts=[], results=[], count=count)


def _view(
    job: Job, *, portal: str, attempts: list[AttemptView], results: list[ResultEntry], count: int
) -> JobView:
    return JobView.model_validate(
        {
            **{name: getattr(job, name) for name in _SAME},
            "starts_by": job.reserved_for,
            "phase": phase_of(job.state, archived=job.archived_at is not None),
            "state": job.state.value,
            "error": JobError.model_validate(job.error) if job.error else None,
            "results": results,
            "result_count": count,
            "attempts": attempts,
            "url": f"{portal}/jobs/{job.id}",
        }
    )


_SAME = (
    "id",
    "owner",
    "avi",
    "version",
    "pipeline",
    "title",
    "parameters",
    "reason",
    "fraction",
    "message",
    "step",
    "memory_mb",
    "memory_source",
    "again_with_more_memory",
    "cpu",
    "time_limit",
    "created_at",
    "queued_at",
    "started_at",
    "ended_at",
    "again_of",
)
"""Columns that a person sees as they are."""


def attempt_view(attempt: Attempt) -> AttemptView:
    """Return one start of a job."""
    return AttemptView(
        number=attempt.number,
        state=attempt.state.value,
        memory_mb=attempt.memory_mb,
        started_at=attempt.started_at,
        ended_at=attempt.ended_at,
        exit_code=attempt.exit_code,
        exit_reason=attempt.exit_reason,
        memory_peak_mb=attempt.memory_peak_mb,
        cpu_seconds=attempt.cpu_seconds,
    )


def usage_view(job: Job, attempt: Attempt) -> UsageView:
    """Return what one start of a job used over time."""
    return UsageView(
        attempt=attempt.number,
        memory_mb=attempt.memory_mb,
        memory_peak_mb=attempt.memory_peak_mb,
        cpu=job.cpu,
        points=[
            UsagePoint(seconds=seconds, memory_mb=memory_mb, cores=cores)
            for seconds, memory_mb, cores in attempt.course or []
        ],
    )


def event_view(event: Event) -> EventView:
    """Return something that happened."""
    return EventView(id=event.id, at=event.at, kind=event.kind, subject=event.subject, data=event.data)
