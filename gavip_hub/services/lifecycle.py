"""What the scheduler loop does to jobs: claim, watch, end, clear; each method is one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from gavip_hub.clock import Clock
from gavip_hub.domain.container import Kind
from gavip_hub.domain.ending import End, Stint, Verdict, judge
from gavip_hub.domain.job import FINAL, AttemptState, JobState, container_name
from gavip_hub.domain.ledger import ContainerState
from gavip_hub.domain.policy import Snapshot, Waiting, pipeline_key, spent_by
from gavip_hub.domain.quota import NOTHING, Want
from gavip_hub.domain.waits import Told, Wait
from gavip_hub.exceptions import DatabaseAway
from gavip_hub.services.attempts import hash_of, mark_running, new_token
from gavip_hub.services.moves import move, set_reason
from gavip_hub.services.promises import kept, promised
from gavip_hub.services.quotas import QuotaService
from gavip_hub.services.waits import NO_WAIT, place_of
from gavip_hub.storage import containers, events, jobs, spending
from gavip_hub.storage.database import Database
from gavip_hub.storage.ids import new_id
from gavip_hub.storage.jobs import Startable
from gavip_hub.storage.schema import Attempt, Container, Job

RETRY_SECONDS = (5, 30)
"""How long a job waits after its first and after any later platform failure."""


NOTHING_DONE = {"fraction": 0.0, "message": "", "step": ""}


@dataclass(frozen=True, kw_only=True)
class LaunchOrder:
    """An attempt that was claimed: what its container needs. The token is nowhere else in clear."""

    job: str
    attempt: int
    name: str
    owner: str
    avi: str
    version: str
    commit: str
    token: str
    memory_mb: int
    cpu: float
    time_limit: int
    request: str
    """Id of the request that submitted the job."""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Where a job stands, as far as its containers are concerned."""

    job: str
    owner: str
    state: JobState
    attempt: int
    name: str
    backend_state: dict[str, Any]
    stop_code: str | None
    time_limit: int
    launched_at: datetime | None
    heartbeat_at: datetime | None
    outcome: dict[str, Any] | None
    """What its runner reported as its end."""
    deleted: bool
    request: str
    """Id of the request that submitted it."""


class JobLifecycle:
    """Moves jobs on behalf of the loop; holds no state of its own."""

    def __init__(self, *, database: Database, quotas: QuotaService, clock: Clock) -> None:
        self._database = database
        self._quotas = quotas
        self._whole = quotas.platform
        self._clock = clock

    def leftovers(self) -> list[str]:
        """Return the jobs of which a container or, if deleted, anything is left."""
        with self._database.reading() as session:
            return jobs.leftovers(session)

    def strays(self, names: Sequence[str]) -> list[str]:
        """Return which of these containers belong to no attempt that this database knows as uncleared."""
        with self._database.reading() as session:
            known = jobs.known_containers(session, names)
        return [name for name in names if name not in known]

    def ended(self, names: Sequence[str]) -> list[str]:
        """Return the final jobs, not deleted, to which containers of these names belonged."""
        with self._database.reading() as session:
            return jobs.ended(session, names)

    def standing(self, job: str) -> Standing | None:
        """Return where a job stands; None when there is no such job."""
        with self._database.reading() as session:
            found = session.get(Job, job)
            if found is None:
                return None
            attempt = session.get(Attempt, (job, found.attempt))
            return _standing(found, attempt, session.get(Container, attempt.container) if attempt else None)

    def live(self) -> list[Standing]:
        """Return where all jobs stand that may have a container."""
        with self._database.reading() as session:
            return [_standing(*row) for row in jobs.live(session)]

    def waiting(self) -> tuple[list[Waiting], Snapshot]:
        """Return the jobs among which a policy chooses, and what it may know."""
        now = self._clock.now()
        with self._database.reading() as session:
            queued = jobs.startable(session, now=now, longest=timedelta(seconds=max(RETRY_SECONDS)))
            return [_waiting(job) for job in queued], self._snapshot(session, queued, now)

    def _snapshot(self, session: Session, queued: Sequence[Startable], now: datetime) -> Snapshot:
        groups = {job.owner: job.groups for job in queued}
        holdings = containers.holdings(session, now=now)
        return Snapshot(
            now=now,
            platform=self._quotas.platform,
            whole=self._whole,
            quotas={owner: self._quotas.of(names) for owner, names in groups.items()},
            holdings=holdings,
            promised=promised(session, self._quotas, at=now),
            kept=kept(session, self._quotas, at=now),
            spent=spent_by(spending.of(session, list(groups)), holdings, whole=self._whole, now=now),
        )

    def claim(self, job: str) -> LaunchOrder | None:
        """Take a queued job for launch, if it fits at this moment; None where it does not or was taken.

        State, attempt, token and ledger row are one transaction with the count of both pools.
        """
        order: LaunchOrder | None = None
        try:
            with self._database.transaction() as session:
                order = self._claim(session, job)
        except DatabaseAway:
            if order is None:
                raise
            # It may be committed, and only the answer lost: the next step compares the order with what is there.
        return order

    def _claim(self, session: Session, job: str) -> LaunchOrder | None:
        now = self._clock.now()
        asked = session.get(Job, job)
        if asked is None:
            return None
        ahead = promised(session, self._quotas, at=now)
        short = self._quotas.room(
            session,
            owner=asked.owner,
            groups=asked.groups,
            want=_want(asked),
            promised=ahead,
            kept=kept(session, self._quotas, at=now).get(asked.owner, NOTHING),
        )
        found = jobs.locked(session, job)  # it may have moved while this waited for the pools
        if found is None or found.state is not JobState.QUEUED or not jobs.is_clear(session, job):
            return None
        if short:
            set_reason(session, found, Told(short.words, found.reserved_for), at=now)
            return None
        return self._add_attempt(session, found)

    def set_reasons(self, reasons: Mapping[str, Told]) -> None:
        """Tell people why their jobs wait; what has not changed is not told again."""
        now = self._clock.now()
        with self._database.transaction() as session:
            # All jobs are held before the first event takes the counter: otherwise two could wait for one another.
            found = [jobs.locked(session, job) for job in sorted(reasons)]
            for job in found:
                if job is not None and job.state not in FINAL:
                    set_reason(session, job, reasons[job.id], at=now)

    def explain(self, waits: Mapping[str, Wait]) -> None:
        """Say why jobs wait, and by when they start."""
        now = self._clock.now()
        with self._database.transaction() as session:
            found = [jobs.locked(session, job) for job in sorted(waits)]
            queued = [job for job in found if job is not None and job.state is JobState.QUEUED]
            for job in queued:
                job.wait = place_of(waits[job.id]).model_dump()
            for job in queued:
                set_reason(session, job, waits[job.id].told, at=now)

    def save_backend_state(self, job: str, attempt: int, state: dict[str, Any]) -> bool:
        """Keep what is needed to find a container again; return whether it is still wanted."""
        with self._database.transaction() as session:
            row, found = _held(session, job, attempt)
            if row is None or found is None or found.ended_at is not None:
                return False
            containers.save_state(session, found.container, state)
            return row.state is JobState.LAUNCHING

    def mark_running(self, job: str, attempt: int) -> None:
        """Note that the backend sees the container run."""
        with self._database.transaction() as session:
            row, found = _held(session, job, attempt)
            if row is not None and found is not None and found.ended_at is None:
                mark_running(session, row, found, clock=self._clock)

    def begin_stop(self, job: str, attempt: int, code: str) -> None:
        """Have a running job ended by the platform, for the reason of that code."""
        with self._database.transaction() as session:
            row = jobs.locked(session, job)
            if row is not None and row.attempt == attempt and row.state is JobState.RUNNING:
                move(session, row, JobState.STOPPING, at=self._clock.now(), stop_code=code)

    def finish(self, job: str, attempt: int, end: End) -> JobState | None:
        """Close an attempt whose container is gone, and move its job on; None when that was done before.

        Attempt, ledger row, results, state and event are one transaction.
        """
        now = self._clock.now()
        with self._database.transaction() as session:
            row, found = _held(session, job, attempt)
            if row is None or found is None or found.ended_at is not None:
                return None
            verdict = judge(_stint(row, found), end)
            _close_attempt(found, verdict, end, at=now)
            containers.close(session, found.container, at=now)
            jobs.add_results(session, job=job, attempt=attempt, results=verdict.results)
            move(session, row, verdict.state, at=now, **self._changes(verdict, attempt, now))
            return row.state

    def mark_cleared(self, job: str, attempt: int) -> None:
        """Note that nothing of an ended attempt's container is left."""
        with self._database.transaction() as session:
            found = session.get(Attempt, (job, attempt))
            if found is not None and found.ended_at is not None:
                found.cleared_at = self._clock.now()

    def uncleared(self, job: str) -> list[tuple[int, str, dict[str, Any]]]:
        """Return number, container name and backend state of ended attempts that still hold something."""
        with self._database.reading() as session:
            return [
                (attempt.number, container_name(job, attempt.number), container.backend_state)
                for attempt in jobs.attempts_of(session, job)
                if attempt.ended_at is not None and attempt.cleared_at is None
                if (container := session.get(Container, attempt.container))
            ]

    def purge(self, job: str) -> None:
        """Remove a deleted job that has ended and whose containers and files are gone."""
        with self._database.transaction() as session:
            row = jobs.locked(session, job)
            if row is None or row.deleted_at is None or row.state not in FINAL:
                return
            jobs.remove(session, job)
            events.forget(session, owner=row.owner, subject=job)

    def _add_attempt(self, session: Session, job: Job) -> LaunchOrder:
        now, token, number = self._clock.now(), new_token(), job.attempt + 1
        name = container_name(job.id, number)
        container = Container(
            id=new_id("c", now=now),
            owner=job.owner,
            kind=Kind.JOB,
            avi=job.avi,
            version=job.version,
            ref=name,
            state=ContainerState.RESERVED,
            cpu=job.cpu,
            memory_mb=job.memory_mb,
            created_at=now,
        )
        session.add(container)
        session.flush()
        attempt = Attempt(
            job=job.id,
            number=number,
            container=container.id,
            token_hash=hash_of(token),
            state=AttemptState.LAUNCHING,
            started_at=now,
        )
        session.add(attempt)
        session.flush()
        fresh = {"heartbeat_at": None, "not_before": None, "reason": "", **NO_WAIT, **NOTHING_DONE}
        move(session, job, JobState.LAUNCHING, at=now, attempt=number, started_at=now, **fresh)
        return LaunchOrder(
            job=job.id,
            attempt=number,
            name=name,
            owner=job.owner,
            avi=job.avi,
            version=job.version,
            commit=job.commit,
            token=token,
            memory_mb=job.memory_mb,
            cpu=job.cpu,
            time_limit=job.time_limit,
            request=job.request,
        )

    def _changes(self, verdict: Verdict, attempt: int, now: datetime) -> dict[str, Any]:
        if verdict.state is JobState.QUEUED:
            wait = RETRY_SECONDS[min(attempt, len(RETRY_SECONDS)) - 1]
            reason = f"{verdict.failure} It is tried again in {wait} s (attempt {attempt + 1})."
            again = {"not_before": now + timedelta(seconds=wait), "reason": reason, "started_at": None}
            return {**again, **NOTHING_DONE}
        error = verdict.error.model_dump() if verdict.error else None
        return {"ended_at": now, "reason": "", "error": error, **_full(verdict)}


def _held(session: Session, job: str, attempt: int) -> tuple[Job | None, Attempt | None]:
    """Return a job, held until the transaction ends, and one of its attempts."""
    return jobs.locked(session, job), session.get(Attempt, (job, attempt))


def _want(job: Job) -> Want:
    return Want(kind=Kind.JOB, memory_mb=job.memory_mb, cpu=job.cpu)


def _full(verdict: Verdict) -> dict[str, Any]:
    return {"fraction": 1.0} if verdict.state is JobState.COMPLETED else {}


def _close_attempt(attempt: Attempt, verdict: Verdict, end: End, *, at: datetime) -> None:
    attempt.state = verdict.attempt_state
    attempt.failure = verdict.failure
    attempt.ended_at = at
    if end.exit:
        attempt.exit_code = end.exit.exit_code
        attempt.exit_reason = end.exit.reason
        attempt.memory_peak_mb = end.exit.memory_peak_mb
        attempt.cpu_seconds = end.exit.cpu_seconds
        attempt.course = [list(point) for point in end.exit.course]


def _stint(job: Job, attempt: Attempt) -> Stint:
    return Stint(
        attempt=attempt.number,
        memory_mb=job.memory_mb,
        time_limit=job.time_limit,
        stop_code=job.stop_code,
        step=attempt.step,
        cell=attempt.cell,
    )


def _waiting(job: Startable) -> Waiting:
    return Waiting(
        job=job.id,
        owner=job.owner,
        memory_mb=job.memory_mb,
        cpu=job.cpu,
        time_limit=job.time_limit,
        queued_at=job.queued_at,
        pipeline=pipeline_key(job.avi, job.pipeline),
        told=Told(job.reason, job.reserved_for),
    )


def _standing(job: Job, attempt: Attempt | None, container: Container | None) -> Standing:
    return Standing(
        job=job.id,
        owner=job.owner,
        state=job.state,
        attempt=job.attempt,
        name=container_name(job.id, job.attempt),
        backend_state=container.backend_state if container else {},
        stop_code=job.stop_code,
        time_limit=job.time_limit,
        launched_at=attempt.started_at if attempt else None,
        heartbeat_at=job.heartbeat_at,
        outcome=attempt.outcome if attempt else None,
        deleted=job.deleted_at is not None,
        request=job.request,
    )
