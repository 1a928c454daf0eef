"""What starts, watches and ends the containers of jobs."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from avi_kernel.protocol.boxes import ExitRecord
from avi_kernel.protocol.called import Called
from gavip_hub.domain.container import ContainerSpec

State = dict[str, Any]


class Liveness(StrEnum):
    """What a backend sees of a container."""

    STARTING = "starting"
    RUNNING = "running"
    EXITED = "exited"  # ended, and its exit is known
    LOST = "lost"  # no trace of it, or ended with no record: a platform failure


@dataclass(frozen=True, kw_only=True)
class Handle:
    """A container as the database remembers it."""

    name: str
    state: State
    """What `start` yielded last; `{}` when the service died before the first yield."""


@dataclass(frozen=True, kw_only=True)
class Observation:
    """What was seen of one container."""

    liveness: Liveness
    exit: ExitRecord | None = None


class JobBackend(ABC):
    """Starts job containers; knows nothing of jobs, owners' rights or the database.

    Every method may be called again after a crash at any point, and must then do no harm: `start` of a name that
    lives already is refused by the engine, never by luck.
    """

    launches_at_once: int = 8
    """Containers that may be starting at the same time: a start costs the machine more than what runs afterwards."""

    @abstractmethod
    def start(self, spec: ContainerSpec) -> AsyncIterator[State]:
        """Start a container; yield a JSON-able state after each outside act, saved by the caller at once.

        Raises
        ------
        gavip_hub.exceptions.Unavailable
            The container could not be started; what was yielded is enough to clean up.
        """

    @abstractmethod
    async def check(self, handles: Sequence[Handle]) -> list[Observation]:
        """Look at many containers at once, in the order given."""

    @abstractmethod
    async def stop(self, handle: Handle) -> None:
        """Ask a container to end, at first gently; returns before it is gone; no harm when it is gone.

        Called again until it is gone: one that took no notice for half a minute is then ended by force.
        """

    @abstractmethod
    async def remove(self, handle: Handle) -> None:
        """Forget an ended container and free what it held (cgroup, sockets, folders of the backend's own)."""

    @abstractmethod
    async def called(self, handle: Handle) -> list[Called] | None:
        """Return which hosts an ended container called, by the platform's own record; None where that is gone, or not whole."""

    @abstractmethod
    async def owned(self) -> list[str]:
        """Names of all containers that this platform started and that still exist."""
