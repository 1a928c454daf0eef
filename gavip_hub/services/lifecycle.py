"""What the scheduler loop does to jobs: claim, watch, end, clear; each method is one transaction for many of them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from avi_kernel.protocol.called import Called
from gavip_hub.clock import Clock
from gavip_hub.domain.job import FINAL, JobState, container_name
from gavip_hub.domain.policy import Snapshot, Waiting, pipeline_key, spent_by
from gavip_hub.domain.waits import Told, Wait
from gavip_hub.exceptions import DatabaseAway
from gavip_hub.services.attempts import mark_running
from gavip_hub.services.claims import LaunchOrder, claim
from gavip_hub.services.clocks import SETTING as CLOCK
from gavip_hub.services.endings import RETRY_SECONDS, Ending, finish
from gavip_hub.services.moves import STATE, move, set_reasons
from gavip_hub.services.promises import promises
from gavip_hub.services.quotas import QuotaService
from gavip_hub.services.waits import place_of
from gavip_hub.storage import attempts, checks, containers, events, jobs, settings, spending
from gavip_hub.storage.database import Database
from gavip_hub.storage.jobs import Standing, Startable

LONGEST_WAIT = timedelta(seconds=max(RETRY_SECONDS))
QUEUE_KINDS = (STATE, "job.reason")
"""Events that change what the scheduler knows of the queue."""
MOST_CHANGES = 20_000
"""Events and doubts after which the queue is read anew: it would be slower to ask for each job, and no statement names them all."""
TRACE_FOR = timedelta(minutes=15)
"""How long it can be seen of a purged job that it changed: for longer than the queue is ever followed by its events alone."""


class Mark(NamedTuple):
    """Up to where somebody knows the queue."""

    event: int
    """Id of the newest event that was looked at."""
    clock: str | None
    """How the machine's clock stood: when it was set, all times were moved, and no event tells of each."""


class QueueChanges(NamedTuple):
    """What is new in the queue."""

    until: Mark
    looked_at: frozenset[str] | None
    """Jobs to which something happened or may have: those that are not among `queued` do not wait. None: all that wait are in it."""
    queued: list[Startable]


class Started(NamedTuple):
    """What the backend told of an attempt's start, to be kept."""

    job: str
    attempt: int
    state: dict[str, Any]


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
            known = attempts.known_containers(session, names)
        return [name for name in names if name not in known]

    def ended(self, names: Sequence[str]) -> list[str]:
        """Return the final jobs, not deleted, to which containers of these names belonged."""
        with self._database.reading() as session:
            return jobs.ended(session, names)

    def standings(self, asked: Sequence[str]) -> list[Standing | None]:
        """Return where these jobs stand; None where there is no such job."""
        with self._database.reading() as session:
            found = jobs.standings(session, asked)
        return [found.get(job) for job in asked]

    def live(self) -> list[Standing]:
        """Return where all jobs stand that may have a container."""
        with self._database.reading() as session:
            return jobs.live(session)

    def waiting(self) -> tuple[list[Waiting], Snapshot]:
        """Return the jobs among which a policy chooses, and what it may know."""
        with self._database.reading() as session:
            queued = self._ready(session, jobs.queued(session))
            return [waiting_of(job) for job in queued], self._snapshot(session, queued)

    def changes(self, after: Mark | None, doubted: Collection[str] = ()) -> QueueChanges:
        """Return what is new in the queue; all of it where nothing is known, or nothing of today.

        Parameters
        ----------
        doubted
            Jobs that are looked at whatever happened to them.
        """
        with self._database.reading() as session:
            until = Mark(events.latest(session), settings.get(session, CLOCK))
            new = until.event - after.event if after and after.clock == until.clock else -1
            if after is None or not 0 <= new <= MOST_CHANGES - len(doubted):
                return QueueChanges(until, None, jobs.queued(session))
            subjects = events.subjects_since(session, after=after.event, kinds=QUEUE_KINDS).union(doubted)
            return QueueChanges(until, frozenset(subjects), jobs.queued(session, subjects))

    def ready(self, queued: Sequence[Startable]) -> list[Startable]:
        """Return which of these queued jobs may be started now: of some an earlier attempt is still left."""
        with self._database.reading() as session:
            return self._ready(session, queued)

    def snapshot(self, queued: Sequence[Startable]) -> Snapshot:
        """Return what a policy may know that chooses among these jobs."""
        with self._database.reading() as session:
            return self._snapshot(session, queued)

    def claim(self, asked: Sequence[str]) -> list[LaunchOrder]:
        """Take those of these jobs for launch, in this order, that still wait and fit at this moment.

        State, attempt, token and ledger row are one transaction with the count of the pools.
        """
        orders: list[LaunchOrder] = []
        try:
            with self._database.transaction() as session:
                orders = claim(session, self._quotas, asked, at=self._clock.now())
        except DatabaseAway:
            if not orders:
                raise
            # They may be committed, and only the answer lost: the next step compares an order with what is there.
        return orders

    def set_reasons(self, reasons: Mapping[str, Told]) -> None:
        """Tell people why their jobs wait; what has not changed is not told again."""
        now = self._clock.now()
        with self._database.transaction() as session:
            found = jobs.locked_all(session, reasons)
            told = [(job, reasons[name]) for name, job in found.items() if job.state not in FINAL]
            set_reasons(session, told, at=now)

    def explain(self, waits: Mapping[str, Wait]) -> None:
        """Say why jobs wait, and by when they start."""
        now = self._clock.now()
        with self._database.transaction() as session:
            found = jobs.locked_all(session, waits)
            queued = [(job, waits[name]) for name, job in found.items() if job.state is JobState.QUEUED]
            jobs.keep_waits(session, {job.id: place_of(wait).model_dump() for job, wait in queued})
            set_reasons(session, [(job, wait.told) for job, wait in queued], at=now)

    def save_backend_states(self, started: Sequence[Started]) -> list[bool]:
        """Keep what is needed to find containers again; return which of them are still wanted."""
        with self._database.transaction() as session:
            held = attempts.locked_launches(session, [one.job for one in started])
            launches = [
                launch if (launch := held.get(one.job)) and launch.attempt == one.attempt else None
                for one in started
            ]
            known = {
                launch.container: one.state for one, launch in zip(started, launches, strict=True) if launch
            }
            containers.save_states(session, known)
            return [launch is not None and launch.state is JobState.LAUNCHING for launch in launches]

    def mark_running(self, seen: Sequence[tuple[str, int]]) -> None:
        """Note that the backend sees containers run."""
        with self._database.transaction() as session:
            launches = attempts.locked_launches(session, [job for job, _ in seen])
            alive = [(one, one.container) for job, one in launches.items() if (job, one.attempt) in seen]
            mark_running(session, alive, clock=self._clock)

    def begin_stop(self, job: str, attempt: int, code: str) -> None:
        """Have a running job ended by the platform, for the reason of that code."""
        with self._database.transaction() as session:
            row = jobs.locked(session, job)
            if row is not None and row.attempt == attempt and row.state is JobState.RUNNING:
                move(session, row, JobState.STOPPING, at=self._clock.now(), stop_code=code)

    def finish(self, endings: Sequence[Ending]) -> list[JobState | None]:
        """Close attempts whose containers are gone, and move their jobs on; None where that was done before.

        Attempts, ledger rows, results, states and events are one transaction.
        """
        with self._database.transaction() as session:
            return finish(session, self._quotas, endings, at=self._clock.now())

    def keep_calls(self, job: str, called: Sequence[Called] | None) -> None:
        """Keep which hosts a check called, by the record of its box."""
        with self._database.transaction() as session:
            kept = None if called is None else [one.model_dump(mode="json") for one in called]
            checks.keep_calls(session, job, kept)

    def mark_cleared(self, gone: Sequence[tuple[str, int]]) -> None:
        """Note that nothing of ended attempts' containers is left."""
        with self._database.transaction() as session:
            attempts.clear(session, gone, at=self._clock.now())

    def uncleared(self, asked: Sequence[str]) -> list[list[tuple[int, str, dict[str, Any]]]]:
        """Return number, container name and backend state of these jobs' ended attempts that still hold something."""
        with self._database.reading() as session:
            found = attempts.left_over(session, asked)
        return [
            [(number, container_name(job, number), state) for number, state in found.get(job, ())]
            for job in asked
        ]

    def purge(self, job: str) -> None:
        """Remove a deleted job that has ended and whose containers and files are gone."""
        with self._database.transaction() as session:
            row = jobs.locked(session, job)
            if row is None or row.deleted_at is None or row.state not in FINAL:
                return
            jobs.remove(session, job)
            events.forget(session, owner=row.owner, subject=job, kind=STATE)

    def forget_purged(self) -> None:
        """Remove the last traces of jobs that were purged, once nobody is still to learn from them."""
        with self._database.transaction() as session:
            events.forget_traces(session, before=self._clock.now() - TRACE_FOR)

    def _ready(self, session: Session, queued: Sequence[Startable]) -> list[Startable]:
        now = self._clock.now()
        left_over = attempts.jobs_left_over(session, [job.id for job in queued if job.attempt])
        return [
            job for job in queued if job.is_due(now=now, longest=LONGEST_WAIT) and job.id not in left_over
        ]

    def _snapshot(self, session: Session, queued: Iterable[Startable]) -> Snapshot:
        now = self._clock.now()
        groups = {job.owner: job.groups for job in queued}
        holdings = containers.holdings(session, now=now)
        ahead = promises(session, self._quotas, at=now)
        return Snapshot(
            now=now,
            platform=self._quotas.platform,
            whole=self._whole,
            quotas={owner: self._quotas.of(names) for owner, names in groups.items()},
            holdings=holdings,
            promised=ahead.promised,
            kept=ahead.kept,
            spent=spent_by(spending.of(session, list(groups)), holdings, whole=self._whole, now=now),
        )


def waiting_of(job: Startable) -> Waiting:
    """Return a queued job as a policy sees it."""
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
