"""The jobs that a platform has run, as a trace for the simulator."""

from datetime import datetime

from gavip_hub.domain.policy import pipeline_key
from gavip_hub.domain.traces import Arrival
from gavip_hub.storage import jobs
from gavip_hub.storage.database import Database


def recorded_trace(database: Database, *, most: int) -> list[Arrival]:
    """Return the newest jobs that ran to an end, in the order in which they were asked for.

    Parameters
    ----------
    most
        How many at most.
    """
    with database.reading() as session:
        found = jobs.recorded(session, limit=most)
    first = min((job.queued_at for job in found), default=None)
    trace = [
        Arrival(
            job=job.id,
            owner=job.owner,
            pipeline=pipeline_key(job.avi, job.pipeline),
            at=_seconds(first, job.queued_at),
            memory_mb=job.memory_mb,
            cpu=job.cpu,
            runs=_seconds(job.started_at, job.ended_at),
            time_limit=job.time_limit,
        )
        for job in found
    ]
    return sorted(trace, key=lambda arrival: (arrival.at, arrival.job))


def _seconds(since: datetime | None, until: datetime) -> float:
    return max(0.0, (until - since).total_seconds()) if since else 0.0
