"""What other policies would have made of the jobs that this platform has run."""

import threading
from dataclasses import replace

from gavip_hub.domain.quota import Quota
from gavip_hub.domain.simulation import FEWEST_JOBS, Report, simulate
from gavip_hub.exceptions import NoRoom
from gavip_hub.services.policies import installed, load_policy
from gavip_hub.services.quotas import QuotaService
from gavip_hub.services.traces import recorded_trace
from gavip_hub.storage.database import Database

MOST_JOBS = 2_000
"""So that it takes seconds; `gavip admin simulate --recorded` runs them all."""
EVERY = 10.0


class SimulationService:
    """Runs all installed policies on the newest jobs of the platform."""

    def __init__(self, *, database: Database, quotas: QuotaService) -> None:
        self._database = database
        self._quotas = quotas
        self._running = threading.Lock()

    def compare(self) -> dict[str, Report]:
        """Return a report of each policy; nothing where too few jobs have run.

        Each user is given the quota of a member of no group, or what their largest job asked for if that is more.

        Raises
        ------
        gavip_hub.exceptions.NoRoom
            Somebody simulates already: it takes a processor for some seconds.
        """
        if not self._running.acquire(blocking=False):
            raise NoRoom("a simulation runs already; try again when it has ended, in a minute at most")
        try:
            return self._compare()
        finally:
            self._running.release()

    def _compare(self) -> dict[str, Report]:
        trace = recorded_trace(self._database, most=MOST_JOBS)
        if len(trace) < FEWEST_JOBS:
            return {}
        most_mb, most_cpu = max(one.memory_mb for one in trace), max(one.cpu for one in trace)
        platform, quota = (
            _at_least(pool, most_mb, most_cpu) for pool in (self._quotas.platform, self._quotas.of(()))
        )
        return {
            name: simulate(trace, load_policy(name), platform=platform, quota=quota, every=EVERY)
            for name in installed()
        }


def _at_least(quota: Quota, memory_mb: int, cpu: float) -> Quota:
    return replace(quota, memory_mb=max(quota.memory_mb, memory_mb), cpu=max(quota.cpu, cpu))
