"""When waiting jobs will probably start: reads what runs and ran, keeps the answer with each job."""

from collections.abc import Collection, Mapping

from sqlalchemy.orm import Session

from avi_kernel.protocol.api import Estimate
from gavip_hub.domain.forecast import MOST_JOBS, Forecast, RunTimes, forecast, run_times
from gavip_hub.domain.job import JobState
from gavip_hub.services.lifecycle import JobLifecycle
from gavip_hub.services.policies import PolicyService
from gavip_hub.services.waits import PAST_RUNS
from gavip_hub.storage import jobs
from gavip_hub.storage.database import Database


class EstimateService:
    """Estimates starts from the run times of past jobs."""

    def __init__(self, *, database: Database, lifecycle: JobLifecycle, policies: PolicyService) -> None:
        self._database = database
        self._lifecycle = lifecycle
        self._policies = policies

    def refresh(self) -> None:
        """Estimate when the first jobs of the queue start, and keep what is news."""
        pending, snapshot = self._lifecycle.waiting()
        if not pending:
            return
        by_id = {job.job: job for job in pending}
        policy = self._policies.current()
        ranking = policy.rank(pending, snapshot)
        order = [by_id[ranked.job] for ranked in ranking if ranked.wait][:MOST_JOBS]
        running = {held.pipeline for held in snapshot.holdings if held.pipeline}
        known = self._run_times({*running, *(job.pipeline for job in order)})
        self._keep(forecast(policy, order, snapshot, known))

    def _run_times(self, pipelines: Collection[str]) -> dict[str, RunTimes]:
        with self._database.reading() as session:
            times = {key: _ran_for(session, key) for key in pipelines}
        return {key: known for key, seconds in times.items() if (known := run_times(seconds))}

    def _keep(self, forecasts: Mapping[str, Forecast]) -> None:
        with self._database.transaction() as session:
            # Always in this order, or two could wait for one another.
            for name in sorted({*forecasts, *jobs.estimated(session)}):
                job, found = jobs.locked(session, name), forecasts.get(name)
                if job is not None and job.state is JobState.QUEUED:
                    job.estimate = _estimate(found).model_dump(mode="json") if found else None


def _ran_for(session: Session, key: str) -> list[float]:
    avi, _, pipeline = key.partition("/")
    return jobs.ran_for(session, avi=avi, pipeline=pipeline, limit=PAST_RUNS)


def _estimate(found: Forecast) -> Estimate:
    return Estimate(soonest=found.soonest, latest=found.latest, runs=found.runs)
