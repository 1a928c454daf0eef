"""End what runs for users, when the whole platform ends."""

import asyncio

from gavip_hub.backends.base import Liveness
from gavip_hub.backends.launched import Launcher

BOX_SECONDS = 15.0
POLL_SECONDS = 0.05
_ALIVE = (Liveness.STARTING, Liveness.RUNNING)


async def stop_boxes(launcher: Launcher) -> None:
    """Ask every container of a platform to end, and wait until all have.

    They are not removed: at the next start Hub and service read how each ended.
    """
    names = await asyncio.to_thread(lambda: _alive(launcher, launcher.names()))
    for name in names:
        await asyncio.to_thread(launcher.stop, name)
    deadline = asyncio.get_running_loop().time() + BOX_SECONDS
    while names and asyncio.get_running_loop().time() < deadline:
        await asyncio.sleep(POLL_SECONDS)
        names = await asyncio.to_thread(_alive, launcher, names)


def _alive(launcher: Launcher, names: list[str]) -> list[str]:
    return [
        name for name, seen in zip(names, launcher.look_all(names), strict=True) if seen.liveness in _ALIVE
    ]
