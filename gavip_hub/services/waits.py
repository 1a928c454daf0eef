"""Why a job waits and what would start it sooner, for the person who waits."""

from collections.abc import Sequence

from pydantic import BaseModel
from sqlalchemy.orm import Session

from avi_kernel.protocol.api import Estimate, LimitView, Suggestion, WaitView
from gavip_hub.domain.container import Kind
from gavip_hub.domain.job import JobState
from gavip_hub.domain.quota import Shortage, amount
from gavip_hub.domain.waits import Wait
from gavip_hub.exceptions import Conflict
from gavip_hub.services.orders import SMALLEST_MB
from gavip_hub.services.quotas import QuotaService
from gavip_hub.storage import containers, jobs
from gavip_hub.storage.schema import Container, Job

NO_WAIT: dict[str, None] = {"reserved_for": None, "wait": None, "estimate": None}
"""Columns of a job that does not wait any more."""
PAST_RUNS = 50
MOST_SUGGESTIONS = 4
SPARE = 1.1
"""What a job is given above the most that past ones needed."""


class Details(BaseModel):
    """Why a job waits, as it is kept with the job."""

    ahead: int = 0
    limits: list[LimitView] = []


def details_of(wait: Wait) -> Details:
    """Return what of a wait is kept with its job."""
    return Details(ahead=wait.place - 1, limits=[_limit_view(short) for short in wait.limits])


def _limit_view(short: Shortage) -> LimitView:
    return LimitView.model_validate(
        {
            "pool": "platform" if short.is_platforms else "yours",
            "limit": short.limit,
            "wanted": short.wanted,
            "used": short.used,
            "allowed": short.allowed,
            "needed": short.needed,
        }
    )


def wait_view(session: Session, job: Job, quotas: QuotaService, *, avi: str | None = None) -> WaitView:
    """Return why a job waits; quick however many wait, since the scheduler has thought of it already.

    Parameters
    ----------
    avi
        The AVI whose interface asks: it learns nothing of what its user runs of others.

    Raises
    ------
    gavip_hub.exceptions.Conflict
        It does not wait.
    """
    if job.state is not JobState.QUEUED:
        raise Conflict("the job does not wait: it is not in the queue")
    details = Details.model_validate(job.wait or {})
    return WaitView(
        reason=job.reason,
        ahead=details.ahead,
        limits=details.limits,
        starts_by=job.reserved_for,
        estimate=Estimate.model_validate(job.estimate) if job.estimate else None,
        sooner=_sooner(session, job, details.limits, quotas, avi=avi),
    )


def _sooner(
    session: Session, job: Job, limits: Sequence[LimitView], quotas: QuotaService, *, avi: str | None
) -> list[Suggestion]:
    own = [limit for limit in limits if limit.pool == "yours"]
    suggestions = _smaller(session, job, quotas) if any(one.limit == "memory_mb" for one in limits) else []
    if own:
        suggestions += _endings(containers.open_of(session, owner=job.owner, avi=avi), own)
    return suggestions[:MOST_SUGGESTIONS]


def _smaller(session: Session, job: Job, quotas: QuotaService) -> list[Suggestion]:
    """Return the most memory with which it would fit now, unless past runs needed more."""
    own, everybody = containers.usage(session, owner=job.owner), containers.usage(session)
    mine = quotas.of(job.groups)
    free_mb = min(mine.memory_mb - own.memory_mb, quotas.platform.memory_mb - everybody.memory_mb)
    free_cpu = min(mine.cpu - own.cpu, quotas.platform.cpu - everybody.cpu)
    # Of one's own runs alone: a peak tells how much somebody selected.
    peaks = jobs.peaks(session, owner=job.owner, avi=job.avi, pipeline=job.pipeline, limit=PAST_RUNS)
    needed = max([SMALLEST_MB, *(peak * SPARE for peak in peaks)])
    if not needed <= free_mb < job.memory_mb or free_cpu < job.cpu:
        return []
    known = (
        f"your past runs needed at most {amount('memory_mb', round(max(peaks)))}"
        if peaks
        else "no past run of yours tells whether that is enough"
    )
    fits = amount("memory_mb", free_mb)
    return [Suggestion(words=f"Ask for {fits}: that fits beside what runs; {known}.", memory_mb=free_mb)]


def _endings(rows: Sequence[Container], limits: Sequence[LimitView]) -> list[Suggestion]:
    """Return which of one's own containers would make room by ending, the least one first."""
    missing = {limit.limit: limit.needed - limit.allowed for limit in limits}
    enough = [row for row in rows if all(getattr(row, name) >= much for name, much in missing.items())]
    return [_ending(row) for row in sorted(enough, key=lambda row: (row.memory_mb, row.cpu))]


def _ending(row: Container) -> Suggestion:
    held = amount("memory_mb", row.memory_mb)
    if row.kind is Kind.JOB:
        job = row.ref.removeprefix("gavip-").rpartition("-")[0]
        return Suggestion(words=f"Cancel your job {job}, which holds {held}.", job=job)
    name = row.ref or "notebook"
    return Suggestion(words=f"Close {name}, which holds {held}.", server=name)
