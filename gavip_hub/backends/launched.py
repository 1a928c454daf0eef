"""Jobs as containers of whatever a launcher starts: boxes of this machine, or an engine's."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from typing_extensions import override

from gavip_hub.backends.base import Handle, JobBackend, Observation, State
from gavip_hub.domain.container import ContainerSpec

SERVER_NAMES = "gavip-server-"


class Launcher(ABC):
    """What starts containers of every kind on one machine, for spawner and backend alike; every method blocks."""

    @abstractmethod
    def launch(self, spec: ContainerSpec) -> State:
        """Start a container; `socket` of what is returned is where a server answers, once it is ready.

        Raises
        ------
        gavip_hub.exceptions.Unavailable
            A container of this name exists, or it could not be started: then `remove` it.
        """

    @abstractmethod
    def look(self, name: str) -> Observation:
        """See how a container is."""

    @abstractmethod
    def stop(self, name: str) -> None:
        """Ask a container to end, gently at first; returns at once, and does no harm where it is gone."""

    @abstractmethod
    def remove(self, name: str) -> None:
        """Forget a container and free what it held; one that is still alive is killed."""

    @abstractmethod
    def clear_unfinished(self) -> None:
        """Remove what launches and removals left that were cut short."""

    @abstractmethod
    def names(self) -> list[str]:
        """Return the names of all containers that were started and not removed."""

    @abstractmethod
    def log_file(self, name: str) -> Path | None:
        """Return the log of a container; None where there is no such container."""


class LaunchedBackend(JobBackend):
    """Starts jobs by a launcher.

    Parameters
    ----------
    launcher
        The containers of this platform, its servers among them.
    """

    def __init__(self, *, launcher: Launcher) -> None:
        self._launcher = launcher

    @override
    async def start(self, spec: ContainerSpec) -> AsyncIterator[State]:
        # One act, one state: a crash before it is known leaves a box that is found again by its name.
        yield await asyncio.to_thread(self._launcher.launch, spec)

    @override
    async def check(self, handles: Sequence[Handle]) -> list[Observation]:
        return await asyncio.to_thread(lambda: [self._launcher.look(handle.name) for handle in handles])

    @override
    async def stop(self, handle: Handle) -> None:
        await asyncio.to_thread(self._launcher.stop, handle.name)

    @override
    async def remove(self, handle: Handle) -> None:
        await asyncio.to_thread(self._launcher.remove, handle.name)

    @override
    async def owned(self) -> list[str]:
        await asyncio.to_thread(self._launcher.clear_unfinished)
        names = await asyncio.to_thread(self._launcher.names)
        return [name for name in names if not name.startswith(SERVER_NAMES)]
