"""What a running job may do with its own token: read its document, tell its progress and its outcome."""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from avi_kernel.protocol.manifest import PipelineSpec, ReleaseSpec
from avi_kernel.protocol.requirements import REQUIREMENTS_FILE
from avi_kernel.protocol.runs import JobDocument, Outcome, Progress
from gavip_hub.clock import Clock
from gavip_hub.config import Gavip
from gavip_hub.domain.job import BUILD, CHECK, JobState
from gavip_hub.exceptions import SignInRequired
from gavip_hub.services.moves import PROGRESS, move_all, note_progress, note_state, progress_of
from gavip_hub.storage import attempts, containers, events, jobs
from gavip_hub.storage.database import Database
from gavip_hub.storage.jobs import Change, Movable
from gavip_hub.storage.schema import Attempt, Job

TOKEN_PREFIX = "gavip-job-"  # noqa: S105 - tells a job's token from a person's at a glance


BETWEEN_NEWS = timedelta(seconds=1)


def new_token() -> str:
    """Return a token that nobody can guess."""
    return TOKEN_PREFIX + secrets.token_urlsafe(32)


def hash_of(token: str) -> str:
    """Return what the database keeps of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def mark_running(session: Session, seen: Sequence[tuple[Movable, str]], *, clock: Clock) -> None:
    """Note that jobs were seen alive in these containers; no harm when that is known."""
    now, alive = clock.now(), [container for _, container in seen]
    containers.mark_all_live(session, alive, at=now)
    attempts.mark_running(session, alive, at=now)
    launched = [job for job, _ in seen if job.state is JobState.LAUNCHING]
    move_all(session, [Change(job, JobState.RUNNING, {}) for job in launched], at=now)


def _is_news(session: Session, job: Job, *, before: dict[str, Any], now: datetime) -> bool:
    """Tell whether people are to hear of a job's progress: at most once a second, and not what they know.

    What comes too soon is told with the next heartbeat, since what was told last is looked at, not what was reported.
    """
    told = events.latest_of_subject(session, owner=job.owner, subject=job.id, kind=PROGRESS)
    if told is None:
        return progress_of(job) != before
    # Not too soon either where what was told last lies ahead: the clock was set back since.
    too_soon = timedelta(0) <= now - told.at < BETWEEN_NEWS
    return progress_of(job) != told.data and not too_soon


class AttemptService:
    """Serves one attempt of a job, known by its token; the token is dead when the attempt has ended."""

    def __init__(self, *, database: Database, config: Gavip, clock: Clock) -> None:
        self._database = database
        self._config = config
        self._clock = clock

    def document_for(self, token: str) -> JobDocument:
        """Return all that the runner needs to know.

        Raises
        ------
        gavip_hub.exceptions.SignInRequired
            The token is of no attempt that runs.
        """
        with self._database.reading() as session:
            job, attempt = self._of(session, token)
            return JobDocument(
                job=job.id,
                attempt=attempt.number,
                owner=job.owner,
                avi=job.avi,
                version=job.version,
                pipeline=self._pipeline(session, job),
                parameters=job.parameters,
                memory_mb=job.memory_mb,
                time_limit=job.time_limit,
                heartbeat=self._config.heartbeat,
            )

    def record_progress(self, token: str, progress: Progress) -> None:
        """Note how far the job came, and that it is alive."""
        now = self._clock.now()
        with self._database.transaction() as session:
            job, attempt = self._of(session, token, lock=True)
            mark_running(session, [(job, attempt.container)], clock=self._clock)
            known = progress_of(job)
            job.heartbeat_at, job.reason = now, ""
            job.fraction, job.message, job.step = progress.fraction, progress.message, progress.step
            attempt.step, attempt.cell = progress.step, progress.cell
            session.flush()
            if _is_news(session, job, before=known, now=now):
                note_progress(session, job, at=now)

    def record_outcome(self, token: str, outcome: Outcome) -> None:
        """Note that the job says that it has ended; it has when its container is gone and its files agree."""
        now = self._clock.now()
        with self._database.transaction() as session:
            job, attempt = self._of(session, token, lock=True)
            mark_running(session, [(job, attempt.container)], clock=self._clock)
            first = attempt.outcome is None
            attempt.outcome = outcome.model_dump(mode="json")
            job.heartbeat_at = now
            job.fraction = 1.0 if outcome.status == "completed" else job.fraction
            session.flush()
            if first:
                note_progress(session, job, at=now)
                note_state(session, job, at=now)  # no new state, but the loop is to look at it now

    def _of(self, session: Session, token: str, *, lock: bool = False) -> tuple[Job, Attempt]:
        attempt = attempts.by_token(session, hash_of(token))
        job = None
        if attempt and lock:
            job = jobs.locked(session, attempt.job)
            session.refresh(attempt)  # it may have ended while this waited
        elif attempt:
            job = session.get(Job, attempt.job)
        if attempt is None or job is None or attempt.ended_at is not None:
            raise SignInRequired("this job's token is not valid, or its attempt has ended")
        return job, attempt

    def _pipeline(self, session: Session, job: Job) -> PipelineSpec:
        if job.pipeline == BUILD:
            return PipelineSpec(name="environment", kind="environment", path=REQUIREMENTS_FILE)
        if job.pipeline == CHECK:
            return PipelineSpec(name="check", kind="check", path=".")
        spec = ReleaseSpec.model_validate(jobs.release_spec(session, job))
        return next(pipeline for pipeline in spec.pipelines if pipeline.name == job.pipeline)
