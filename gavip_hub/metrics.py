"""What a monitor reads: requests, passes of the scheduler, jobs by state, what the platform holds."""

from collections.abc import Mapping
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Gauge, Histogram, generate_latest

_PASS_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True, kw_only=True)
class Numbers:
    """What is counted in the database when somebody asks."""

    jobs: Mapping[str, int]
    """State -> how many."""
    held: Mapping[str, float]
    """`memory_mb`, `cpu`, `servers` -> what all containers hold."""
    allowed: Mapping[str, float]
    """`memory_mb`, `cpu` -> what they may hold."""


class Metrics:
    """The figures of one service."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Histogram(
            "gavip_request_seconds",
            "Time to answer a request, event streams left out.",
            ["method", "status"],
            registry=self.registry,
        )
        self.passes = Histogram(
            "gavip_pass_seconds",
            "Time of a pass of the scheduler over the queue.",
            buckets=_PASS_BUCKETS,
            registry=self.registry,
        )
        self._jobs = Gauge("gavip_jobs", "Jobs by state.", ["state"], registry=self.registry)
        self._held = Gauge("gavip_held", "What all containers hold.", ["resource"], registry=self.registry)
        self._allowed = Gauge("gavip_allowed", "What they may hold.", ["resource"], registry=self.registry)
        self._healthy = Gauge(
            "gavip_healthy",
            "1 while a part of the platform is well; as /health tells it.",
            ["part"],
            registry=self.registry,
        )
        self._disk = Gauge("gavip_disk_mb", "MB on the data root's disk.", ["what"], registry=self.registry)

    def page(
        self, numbers: Numbers | None, *, healthy: Mapping[str, bool], disk_mb: Mapping[str, int]
    ) -> bytes:
        """Return everything in Prometheus' text format.

        Parameters
        ----------
        numbers
            None while the database is away: what nobody can count is left out, for an old number would be a lie.
        disk_mb
            `free`, and what is kept free for the platform itself.
        """
        told: tuple[tuple[Gauge, Mapping[str, float]], ...] = (
            (self._jobs, numbers.jobs if numbers else {}),
            (self._held, numbers.held if numbers else {}),
            (self._allowed, numbers.allowed if numbers else {}),
            (self._healthy, healthy),
            (self._disk, disk_mb),
        )
        for gauge, values in told:
            gauge.clear()
            for name, value in values.items():
                gauge.labels(name).set(value)
        return generate_latest(self.registry)
