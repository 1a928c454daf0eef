"""End what runs for users, when the whole platform ends."""

import asyncio
import os
import signal
from pathlib import Path

from pydantic import ValidationError

from avi_kernel.protocol.boxes import STATE_FILE, ShimState
from gavip_hub.supervise.identity import Identity, is_alive

BOX_SECONDS = 15.0
POLL_SECONDS = 0.05


async def stop_boxes(folder: Path) -> None:
    """Ask every box's shim below a folder to end it, and wait until all have."""
    shims = [shim for file in folder.glob(f"*/{STATE_FILE}") if (shim := _living(file))]
    for shim in shims:
        os.kill(shim.pid, signal.SIGTERM)
    try:
        async with asyncio.timeout(BOX_SECONDS):
            while any(is_alive(shim) for shim in shims):  # noqa: ASYNC110 - not our children: nothing tells
                await asyncio.sleep(POLL_SECONDS)
    except TimeoutError:
        for shim in filter(is_alive, shims):
            os.kill(shim.pid, signal.SIGKILL)


def _living(file: Path) -> Identity | None:
    try:
        state = ShimState.model_validate_json(file.read_bytes())
    except (OSError, ValidationError):
        return None
    shim = Identity(pid=state.pid, boot_id=state.boot_id, start_time=str(state.start_time))
    return shim if is_alive(shim) else None
