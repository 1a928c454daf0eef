"""End what runs for users, when the whole platform ends."""

import asyncio
from pathlib import Path

from gavip_hub.backends.base import Liveness
from gavip_hub.backends.boxes import BoxLauncher
from gavip_hub.backends.sandbox import SandboxReport

BOX_SECONDS = 15.0
POLL_SECONDS = 0.05
_ALIVE = (Liveness.STARTING, Liveness.RUNNING)


async def stop_boxes(root: Path) -> None:
    """Ask every box of a data root to end, and wait until all have.

    They are not removed: at the next start Hub and service read how each ended.
    """
    # What is enforced matters at a box's start only.
    launcher = BoxLauncher(root=root, sandbox=SandboxReport(bwrap=None, enforced=frozenset()), upstreams={})
    names = [name for name in launcher.names() if launcher.look(name).liveness in _ALIVE]
    for name in names:
        launcher.stop(name)
    deadline = asyncio.get_running_loop().time() + BOX_SECONDS
    while names and asyncio.get_running_loop().time() < deadline:
        await asyncio.sleep(POLL_SECONDS)
        names = [name for name in names if launcher.look(name).liveness in _ALIVE]
