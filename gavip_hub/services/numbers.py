"""How many jobs there are and what the platform holds, for a monitor."""

from gavip_hub.domain.job import JobState
from gavip_hub.metrics import Numbers
from gavip_hub.services.quotas import QuotaService
from gavip_hub.storage import containers, jobs
from gavip_hub.storage.database import Database


class NumberService:
    """Counts, never stores."""

    def __init__(self, *, database: Database, quotas: QuotaService) -> None:
        self._database = database
        self._quotas = quotas

    def now(self) -> Numbers:
        """Return the numbers of this moment."""
        platform = self._quotas.platform
        with self._database.reading() as session:
            counted, usage = jobs.by_state(session), containers.usage(session)
        return Numbers(
            jobs={state.value: counted.get(state, 0) for state in JobState},
            held={"memory_mb": usage.memory_mb, "cpu": usage.cpu, "servers": usage.servers},
            allowed={"memory_mb": platform.memory_mb, "cpu": platform.cpu},
        )
