"""Why a job waits and what would start it sooner, for the person who waits."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from pydantic import BaseModel
from sqlalchemy.orm import Session

from avi_kernel.protocol.api import Estimate, LimitView, Suggestion, WaitView
from gavip_hub.domain.container import Kind
from gavip_hub.domain.job import JobState
from gavip_hub.domain.quota import NOTHING, PLATFORM, Shortage, amount
from gavip_hub.domain.waits import Pool, Wait
from gavip_hub.exceptions import Conflict
from gavip_hub.services.promises import promises
from gavip_hub.services.proposals import SMALLEST_MB
from gavip_hub.services.quotas import QuotaService
from gavip_hub.storage import containers, jobs
from gavip_hub.storage.schema import Container, Job

NO_WAIT: dict[str, None] = {"reserved_for": None, "wait": None, "estimate": None}
"""Columns of a job that does not wait any more."""
PAST_RUNS = 50
MOST_SUGGESTIONS = 4
NOT_SEEN_YET = "the scheduler will look at it within seconds"
SPARE = 1.1
"""What a job is given above the most that past ones needed."""


class Place(BaseModel):
    """Where a job stood in the queue when its owner was last told, as it is kept with the job."""

    ahead: int
    own_mb: float
    own_cpu: float
    all_mb: float
    all_cpu: float


def place_of(wait: Wait) -> Place:
    """Return what of a wait is kept with its job: limits change with every start and end, and are worked out when asked for."""
    return Place(
        ahead=wait.place - 1,
        own_mb=wait.own_mb,
        own_cpu=wait.own_cpu,
        all_mb=wait.all_mb,
        all_cpu=wait.all_cpu,
    )


def limit_view(short: Shortage) -> LimitView:
    """Return a limit as people see it who wait."""
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


def wait_view(
    session: Session,
    job: Job,
    quotas: QuotaService,
    *,
    seen: Wait | None,
    at: datetime,
    avi: str | None = None,
) -> WaitView:
    """Return why a job waits at this moment; quick however many wait, since the scheduler knows its place already.

    Parameters
    ----------
    seen
        What the scheduler saw at its last pass; None: what is kept with the job counts.
    avi
        The AVI whose interface asks: it learns nothing of what its user runs of others.

    Raises
    ------
    gavip_hub.exceptions.Conflict
        It does not wait.
    """
    if job.state is not JobState.QUEUED:
        raise Conflict("the job does not wait: it is not in the queue")
    place = place_of(seen) if seen else Place.model_validate(job.wait) if job.wait else None
    wait = _wait_now(session, job, quotas, place, at=at) if place else None
    limits = wait.limits if wait else []
    return WaitView(
        reason=_reason(job, wait),
        ahead=place.ahead if place else 0,
        limits=[limit_view(short) for short in limits],
        starts_by=seen.starts_by if seen else job.reserved_for,
        estimate=Estimate.model_validate(job.estimate) if job.estimate else None,
        sooner=_sooner(session, job, limits, quotas, avi=avi),
    )


def _reason(job: Job, wait: Wait | None) -> str:
    """Return the sentence; also between a pass that chose others and their claims, when nothing is held yet."""
    if wait is None:
        return job.reason or NOT_SEEN_YET
    return wait.words if wait.limits or not job.reason else job.reason


def _wait_now(session: Session, job: Job, quotas: QuotaService, place: Place, *, at: datetime) -> Wait:
    """Return why it waits, by what is held and allowed now."""
    ahead = promises(session, quotas, at=at)
    used, all_used = containers.usage(session, owner=job.owner), containers.usage(session)
    return Wait(
        place=place.ahead + 1,
        memory_mb=job.memory_mb,
        cpu=job.cpu,
        own=Pool(job.owner, quotas.of(job.groups), ahead.kept.get(job.owner, NOTHING), used=used),
        platform=Pool(PLATFORM, quotas.platform, ahead.promised, used=all_used),
        own_mb=place.own_mb,
        own_cpu=place.own_cpu,
        all_mb=place.all_mb,
        all_cpu=place.all_cpu,
        starts_by=job.reserved_for,
    )


def _sooner(
    session: Session, job: Job, limits: Sequence[Shortage], quotas: QuotaService, *, avi: str | None
) -> list[Suggestion]:
    if not limits:
        return []
    smaller = _smaller(session, job, quotas) if any(one.limit == "memory_mb" for one in limits) else []
    suggestions = smaller + endings(session, containers.open_of(session, owner=job.owner, avi=avi), limits)
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


def endings(session: Session, rows: Iterable[Container], limits: Sequence[Shortage]) -> list[Suggestion]:
    """Return a few of one's own containers that would each make all the room by ending, the least ones first.

    What it holds counts in its owner's pool and on the platform: one that is too small for either would help nobody.
    """
    missing = [(short.limit, short.needed - short.allowed) for short in limits]
    enough = [row for row in rows if all(getattr(row, name) >= much for name, much in missing)]
    least = sorted(enough, key=lambda row: (row.memory_mb, row.cpu))[:MOST_SUGGESTIONS]
    return [_ending(session, row) for row in least]  # each looks its job up


def _ending(session: Session, row: Container) -> Suggestion:
    held = amount("memory_mb", row.memory_mb)
    if row.kind is Kind.JOB:
        name = row.ref.removeprefix("gavip-").rpartition("-")[0]
        job = session.get(Job, name)
        title = f"“{job.title}” ({name})" if job and job.title else name
        return Suggestion(words=f"Cancel your job {title}, which holds {held}.", job=name)
    server = row.ref or "notebook"
    named = server if row.ref else "your notebook server"
    return Suggestion(words=f"Close {named}, which holds {held}.", server=server)
