"""A job backend that does nothing; a platform finds it by an entry point, as any backend of an operator's own."""

import json
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from avi_kernel.protocol.boxes import ExitRecord
from gavip_hub.backends.base import Handle, JobBackend, Liveness, Observation, State
from gavip_hub.domain.container import ContainerSpec

ENDED = ExitRecord.model_validate(
    {"exit_code": 0, "reason": "exited", "message": "", "started_at": 0.0, "ended_at": 1.0}
)


class NoBackend(JobBackend):
    """Starts nothing; whatever was started is seen running once, and has ended well after that."""

    launches_at_once = 300

    def __init__(self, **_settings: Any) -> None:
        self._seen: set[str] = set()

    async def start(self, spec: ContainerSpec) -> AsyncIterator[State]:
        """Write the outcome of a job that made no results."""
        folder = next(mount.source for mount in spec.mounts if str(mount.target) == "/attempt")
        now = datetime.now(UTC).isoformat()
        outcome = {"status": "completed", "results": [], "started_at": now, "ended_at": now}
        (Path(folder) / "outcome.json").write_text(json.dumps(outcome))
        yield {"name": spec.name}

    async def check(self, handles: Sequence[Handle]) -> list[Observation]:
        """Look at many containers at once."""
        return [self._look(handle.name) for handle in handles]

    async def stop(self, handle: Handle) -> None:
        """Do nothing: it ends by itself."""

    async def remove(self, handle: Handle) -> None:
        """Forget a container."""
        self._seen.discard(handle.name)

    async def called(self, handle: Handle) -> None:
        """Tell nothing: it called nobody."""

    async def owned(self) -> list[str]:
        """Name no container: there is none."""
        return []

    def _look(self, name: str) -> Observation:
        if name in self._seen:
            return Observation(liveness=Liveness.EXITED, exit=ENDED)
        self._seen.add(name)
        return Observation(liveness=Liveness.RUNNING)


class NoFilesBackend(NoBackend):
    """Writes no outcome either: for an engine that is timed without folders."""

    async def start(self, spec: ContainerSpec) -> AsyncIterator[State]:
        """Start nothing."""
        yield {"name": str(spec)}
