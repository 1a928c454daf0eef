"""The queue in memory: read whole once, and then only what happened since."""

from collections.abc import Iterable

from gavip_hub.domain.policy import Waiting
from gavip_hub.services.lifecycle import JobLifecycle, Mark, waiting_of
from gavip_hub.storage.jobs import Startable


class PendingJobs:
    """The queued jobs as the database has them, followed by its events; one caller at a time.

    With a hundred thousand in the queue, reading them all takes longer than all else that a pass does. What is here may
    be older than what is there: a claim looks again.
    """

    def __init__(self, *, lifecycle: JobLifecycle) -> None:
        self._lifecycle = lifecycle
        self._queued: dict[str, Startable] = {}
        self._waiting: dict[str, Waiting] = {}
        self._tried: dict[str, Startable] = {}
        self._doubted: frozenset[str] = frozenset()
        self._until: Mark | None = None

    def refresh(self, *, anew: bool = False) -> None:
        """Take in what happened since the last time; *anew*: read all of it."""
        changes = self._lifecycle.changes(None if anew else self._until, self._doubted)
        gone = self._queued.keys() if changes.looked_at is None else changes.looked_at
        for job in gone - {row.id for row in changes.queued}:
            self._queued.pop(job, None)
            self._waiting.pop(job, None)
            self._tried.pop(job, None)
        for row in changes.queued:
            self._take(row)
        self._until, self._doubted = changes.until, frozenset()

    def doubt(self, jobs: Iterable[str]) -> None:
        """Look at these jobs the next time, whatever their events tell: one that is not there would take others' room."""
        self._doubted = self._doubted.union(jobs)

    def due(self) -> dict[str, Waiting]:
        """Return the jobs that may be started now, the oldest first."""
        if not self._tried:
            return self._waiting
        ready = {row.id for row in self._lifecycle.ready(list(self._tried.values()))}
        return {job: one for job, one in self._waiting.items() if job not in self._tried or job in ready}

    def rows(self, jobs: list[Waiting]) -> list[Startable]:
        """Return these jobs as the database has them."""
        return [self._queued[job.job] for job in jobs]

    def _take(self, row: Startable) -> None:
        self._queued[row.id] = row
        self._waiting[row.id] = waiting_of(row)
        if row.attempt:
            self._tried[row.id] = row
