"""When waiting jobs will probably start: reads what runs and ran, keeps the answer with each job, and learns how far it was off."""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from avi_kernel.protocol.api import Estimate
from gavip_hub.clock import Clock
from gavip_hub.domain.experience import Accuracy, accuracy_of, ratio_of
from gavip_hub.domain.forecast import MOST_JOBS, Forecast, forecast
from gavip_hub.domain.job import JobState
from gavip_hub.domain.policy import Policy, Snapshot, Waiting
from gavip_hub.services.board import Board
from gavip_hub.services.lifecycle import JobLifecycle, waiting_of
from gavip_hub.services.past import PastRuns
from gavip_hub.services.policies import PolicyService
from gavip_hub.storage import jobs, past, settings
from gavip_hub.storage.database import Database
from gavip_hub.storage.jobs import Startable

CANDIDATES = 3 * MOST_JOBS
"""Places of the queue that are read: many of the first have started since they were ranked."""
OLDEST = 1000
"""Jobs that are ranked where the scheduler's ranking is not at hand."""
NEWEST_WAITS = 1000
"""Fewer, and the short waits among those that are over would make the long ones look rare."""
WAITS = {True: "estimates.waits.known", False: "estimates.waits.rough"}
"""Settings: how long the newest jobs waited, over what was told: where their pipelines were known, and where not."""


class EstimateService:
    """Estimates starts from the run times of past jobs, between times that held for past estimates.

    What was told of a job first is remembered until it starts; a restart forgets only those that wait just then.
    """

    def __init__(
        self,
        *,
        database: Database,
        lifecycle: JobLifecycle,
        policies: PolicyService,
        past_runs: PastRuns,
        board: Board,
        clock: Clock,
    ) -> None:
        self._database = database
        self._lifecycle = lifecycle
        self._policies = policies
        self._past_runs = past_runs
        self._board = board
        self._clock = clock
        self._told: dict[str, tuple[datetime, Forecast]] = {}

    def refresh(self) -> None:
        """Estimate when the first jobs of the queue start, and keep what is news."""
        front = self._board.front(CANDIDATES)
        queued = self._read(front)
        accuracy = self._learn(self._told.keys() - {job.id for job in queued})
        policy, snapshot = self._policies.current(), self._lifecycle.snapshot(queued)
        pending = {job.id: waiting_of(job) for job in queued}
        if front is None:
            front = [ranked.job for ranked in policy.rank(list(pending.values()), snapshot) if ranked.wait]
        order = [pending[job] for job in front if job in pending][:MOST_JOBS]
        if pending:
            self._forecast(policy, order, snapshot, accuracy)

    def _read(self, front: Collection[str] | None) -> list[Startable]:
        """Return the queue's front as the scheduler ranked it, which may be long, and those of whom was told.

        Where none ranked it here of late, since another service's schedules: the oldest, among whom the policy chooses.
        """
        with self._database.reading() as session:
            oldest = [] if front is not None else jobs.queued(session, limit=OLDEST)
            names = {*(front or ()), *self._told} - {job.id for job in oldest}
            queued = [*oldest, *(jobs.queued(session, names) if names else ())]
        return self._lifecycle.ready(queued)

    def _forecast(
        self, policy: Policy, order: Sequence[Waiting], snapshot: Snapshot, accuracy: Mapping[bool, Accuracy]
    ) -> None:
        running = {held.pipeline for held in snapshot.holdings if held.pipeline}
        experience = self._past_runs.of({*running, *(job.pipeline for job in order)})
        found = forecast(policy, order, snapshot, experience)
        for job, one in found.items():
            self._told.setdefault(job, (snapshot.now, one))
        self._keep({job: _estimate(one, accuracy[one.is_known], snapshot.now) for job, one in found.items()})

    def _learn(self, gone: Collection[str]) -> dict[bool, Accuracy]:
        """Compare what was told with when jobs started that wait no more, and return how far estimates are off."""
        with self._database.reading() as session:
            waits = {known: _kept(session, name) for known, name in WAITS.items()}
            started = past.started(session, gone) if gone else {}
        new: dict[bool, list[float]] = {known: [] for known in WAITS}
        for job in gone:
            told_at, one = self._told.pop(job)
            if job in started and started[job] >= told_at:  # a clock may be set back
                new[one.is_known].append(ratio_of(one.start - told_at, started[job] - told_at))
        ratios = {known: [*waits[known], *new[known]][-NEWEST_WAITS:] for known in WAITS}
        if any(new.values()):
            with self._database.transaction() as session:
                for known, name in WAITS.items():
                    settings.put(
                        session, name, json.dumps(ratios[known]), by="scheduler", at=self._clock.now()
                    )
        return {known: accuracy_of(many) for known, many in ratios.items()}

    def _keep(self, estimates: Mapping[str, Estimate]) -> None:
        new = {name: found.model_dump(mode="json") for name, found in estimates.items()}
        with self._database.transaction() as session:
            held = jobs.locked_all(session, {*new, *jobs.estimated(session)})
            waiting = [name for name, job in held.items() if job.state is JobState.QUEUED]
            jobs.keep_estimates(session, {name: new.get(name) for name in waiting})


def _estimate(found: Forecast, accuracy: Accuracy, now: datetime) -> Estimate:
    soonest, middle, latest = accuracy.around(now, found.start)
    return Estimate(soonest=soonest, middle=middle, latest=latest, runs=found.runs, unknown=found.unknown)


def _kept(session: Session, name: str) -> list[float]:
    found: list[float] = json.loads(settings.get(session, name) or "[]")
    return found
