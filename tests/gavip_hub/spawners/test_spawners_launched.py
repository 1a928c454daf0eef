"""A server is what its launcher sees of it; where that sees nothing, it is what it was."""

import asyncio

import pytest
from tornado.netutil import Resolver

from avi_kernel.protocol.boxes import ExitRecord
from gavip_hub.backends.base import Liveness, Observation
from gavip_hub.backends.launched import AsyncLauncher
from gavip_hub.exceptions import Unavailable
from gavip_hub.spawners.launched import LaunchedSpawner
from tests.support.hanging import hanging


class Launcher:
    """Sees what it is told to see."""

    def __init__(self, seen):
        self.seen = seen
        self.removed = []

    def look(self, _name):
        if isinstance(self.seen, Exception):
            raise self.seen
        return self.seen

    def remove(self, name):
        self.removed.append(name)


def spawner_of(launcher):
    spawner = LaunchedSpawner()
    calls = AsyncLauncher(launcher=launcher)
    spawner.launcher = lambda: calls
    spawner.box = "gavip-server-a1"
    return spawner


@pytest.mark.parametrize("liveness", [Liveness.STARTING, Liveness.RUNNING])
async def test_what_lives_is_polled_as_alive(liveness):
    assert await spawner_of(Launcher(Observation(liveness=liveness))).poll() is None


async def test_what_cannot_be_seen_is_taken_to_live():
    launcher = Launcher(Unavailable("the engine does not answer"))
    spawner = spawner_of(launcher)
    assert await spawner.poll() is None
    assert (spawner.box, launcher.removed) == ("gavip-server-a1", [])


async def test_what_ended_tells_its_status_and_is_removed():
    record = ExitRecord(exit_code=3, reason="exited", started_at=0, ended_at=1)
    launcher = Launcher(Observation(liveness=Liveness.EXITED, exit=record))
    assert await spawner_of(launcher).poll() == 3
    assert launcher.removed == ["gavip-server-a1"]


async def test_while_an_engine_hangs_the_hub_still_finds_addresses():
    with hanging() as launcher:
        spawner = spawner_of(launcher)
        polls = [asyncio.create_task(spawner.poll()) for _ in range(8)]
        await asyncio.sleep(0)  # all have asked
        found = await asyncio.wait_for(Resolver().resolve("127.0.0.1", 80), 1)
    assert [address[:2] for _family, address in found] == [("127.0.0.1", 80)]
    assert await asyncio.gather(*polls) == [None] * 8


async def test_while_looks_hang_a_server_is_still_asked_to_end():
    with hanging() as launcher:
        spawner = spawner_of(launcher)
        polls = [asyncio.create_task(spawner.poll()) for _ in range(8)]
        stopping = asyncio.create_task(spawner.stop())
        async with asyncio.timeout(5):
            while not launcher.stopped:
                await asyncio.sleep(0.01)
        stopping.cancel()
    assert launcher.stopped == ["gavip-server-a1"]
    assert await asyncio.gather(*polls) == [None] * 8
