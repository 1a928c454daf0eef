"""Jobs as processes of this machine, each in a box under a shim that outlives the service."""

import asyncio
from collections.abc import AsyncIterator, Sequence

from typing_extensions import override

from gavip_hub.backends.base import Handle, JobBackend, Observation, State
from gavip_hub.backends.boxes import BoxLauncher
from gavip_hub.domain.container import ContainerSpec

SERVER_NAMES = "gavip-server-"


class ProcessBackend(JobBackend):
    """Starts jobs as boxes.

    Parameters
    ----------
    launcher
        The boxes of this platform, its servers among them.
    """

    def __init__(self, *, launcher: BoxLauncher) -> None:
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
