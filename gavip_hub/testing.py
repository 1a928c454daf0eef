"""Fakes that are part of the public interface: a container engine in memory, and backends that fail in named ways.

`tests/gavip_hub/backends/contract.py` holds the fake to the same contract as every real backend.
"""

import asyncio
import heapq
import itertools
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from typing_extensions import override

from avi_kernel.protocol.boxes import ExitRecord
from avi_kernel.protocol.called import Called
from gavip_hub.backends.base import Handle, JobBackend, Liveness, Observation, State
from gavip_hub.clock import Clock
from gavip_hub.domain.container import ContainerSpec
from gavip_hub.exceptions import Unavailable

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


class ManualClock(Clock):
    """Time that stands still until a test moves it."""

    def __init__(self, start: datetime = EPOCH) -> None:
        self._now = start
        self._passed = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = itertools.count()

    @override
    def now(self) -> datetime:
        return self._now

    @override
    def monotonic(self) -> float:
        return self._passed

    @override
    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._passed + seconds, next(self._order), future))
        await future

    def advance(self, seconds: float) -> None:
        """Let time pass; called from the event loop where somebody sleeps."""
        self._now += timedelta(seconds=seconds)
        self._passed += seconds
        while self._sleepers and self._sleepers[0][0] <= self._passed:
            future = heapq.heappop(self._sleepers)[2]
            if not future.done():
                future.set_result(None)

    def set_by(self, seconds: float) -> None:
        """Set the clock forward or back, as people and time servers do: no time passes."""
        self._now += timedelta(seconds=seconds)


@dataclass
class FakeContainer:
    """A container of the engine in memory."""

    spec: ContainerSpec
    liveness: Liveness = Liveness.STARTING
    exit: ExitRecord | None = None
    called: list[Called] = field(default_factory=list)


class FakeEngine:
    """Containers in memory; outlives the backend objects that use it, as a real engine outlives the service."""

    def __init__(self) -> None:
        self.containers: dict[str, FakeContainer] = {}
        self.started: list[str] = []
        """Names in the order of their starts; a name twice would be two live attempts."""
        self.most_alive = 0
        """Most MB that lived at once."""

    def create(self, spec: ContainerSpec) -> None:
        """Make a container, as long as its name is free."""
        if spec.name in self.containers:
            raise Unavailable(f"a container named {spec.name} exists already")
        self.containers[spec.name] = FakeContainer(spec=spec)
        self.started.append(spec.name)
        self.most_alive = max(self.most_alive, sum(c.spec.resources.memory_mb for c in self.alive()))

    def run(self, name: str) -> None:
        """Let a created container run."""
        self.containers[name].liveness = Liveness.RUNNING

    def alive(self) -> list[FakeContainer]:
        """Return the containers that hold memory."""
        return [c for c in self.containers.values() if c.liveness in (Liveness.STARTING, Liveness.RUNNING)]

    def end(self, name: str, record: ExitRecord) -> None:
        """Let a container end, with its record."""
        self.containers[name].liveness = Liveness.EXITED
        self.containers[name].exit = record

    def vanish(self, name: str) -> None:
        """Let a container be gone with no record, as when its node fails."""
        self.containers[name].liveness = Liveness.LOST


def exit_record(
    *,
    code: int = 0,
    reason: str = "exited",
    message: str = "",
    memory_peak_mb: float | None = None,
) -> ExitRecord:
    """Return the record of a container's end."""
    return ExitRecord.model_validate(
        {
            "exit_code": code,
            "reason": reason,
            "message": message,
            "started_at": EPOCH.timestamp(),
            "ended_at": EPOCH.timestamp() + 1,
            "memory_peak_mb": memory_peak_mb,
            "cpu_seconds": 0.5,
        }
    )


class FakeBackend(JobBackend):
    """A backend over the engine in memory; well-behaved.

    Parameters
    ----------
    engine
        Shared between backends that stand for one before and one after a restart.
    """

    def __init__(self, *, engine: FakeEngine | None = None) -> None:
        self.engine = engine or FakeEngine()

    @override
    async def start(self, spec: ContainerSpec) -> AsyncIterator[State]:
        self.engine.create(spec)
        yield {"name": spec.name, "stage": "created"}
        self.engine.run(spec.name)
        yield {"name": spec.name, "stage": "started"}

    @override
    async def check(self, handles: Sequence[Handle]) -> list[Observation]:
        return [self._look(handle.name) for handle in handles]

    @override
    async def stop(self, handle: Handle) -> None:
        if self._look(handle.name).liveness in (Liveness.STARTING, Liveness.RUNNING):
            self.engine.end(handle.name, exit_record(code=143, reason="stopped"))

    @override
    async def remove(self, handle: Handle) -> None:
        self.engine.containers.pop(handle.name, None)

    @override
    async def called(self, handle: Handle) -> list[Called] | None:
        container = self.engine.containers.get(handle.name)
        return None if container is None else container.called

    @override
    async def owned(self) -> list[str]:
        return list(self.engine.containers)

    def _look(self, name: str) -> Observation:
        container = self.engine.containers.get(name)
        if container is None:
            return Observation(liveness=Liveness.LOST)
        return Observation(liveness=container.liveness, exit=container.exit)


class SlowBackend(FakeBackend):
    """Stays between creating and starting a container until `proceed` is set."""

    def __init__(self, *, engine: FakeEngine | None = None) -> None:
        super().__init__(engine=engine)
        self.created = asyncio.Event()
        self.proceed = asyncio.Event()

    @override
    async def start(self, spec: ContainerSpec) -> AsyncIterator[State]:
        async for state in super().start(spec):
            yield state
            self.created.set()
            await self.proceed.wait()


class FailsAtStage(FakeBackend):
    """Fails to start: before the first outside act (stage 0), after it (1), or after all of them (2)."""

    def __init__(self, *, stage: int, engine: FakeEngine | None = None) -> None:
        super().__init__(engine=engine)
        self._stage = stage
        self.failures = 0

    @override
    async def start(self, spec: ContainerSpec) -> AsyncIterator[State]:
        acts = super().start(spec)
        for _ in range(self._stage):
            yield await anext(acts)
        self.failures += 1
        raise Unavailable(f"the engine failed at stage {self._stage}")


class DiesSilently(FakeBackend):
    """Starts containers that are gone at once, with no record of why."""

    @override
    async def start(self, spec: ContainerSpec) -> AsyncIterator[State]:
        async for state in super().start(spec):
            yield state
        self.engine.vanish(spec.name)


class NeverStops(FakeBackend):
    """Takes every request to stop, and does nothing; `relent` lets the containers go."""

    def __init__(self, *, engine: FakeEngine | None = None) -> None:
        super().__init__(engine=engine)
        self.asked: list[str] = []
        self.relent = False

    @override
    async def stop(self, handle: Handle) -> None:
        self.asked.append(handle.name)
        if self.relent:
            await super().stop(handle)
