"""A server is what its launcher sees of it; where that sees nothing, it is what it was."""

import asyncio

import pytest
from jupyterhub.spawner import SpawnException
from tornado.netutil import Resolver

from avi_kernel.protocol.boxes import ExitRecord
from gavip_hub.backends.base import Liveness, Observation
from gavip_hub.backends.launched import AsyncLauncher
from gavip_hub.exceptions import Unavailable
from gavip_hub.spawners import launched
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

    def log_file(self, _name):
        return None


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


class Counting(Launcher):
    """Counts the looks; sees the server live until it is told otherwise."""

    def __init__(self):
        super().__init__(Observation(liveness=Liveness.RUNNING))
        self.looks = 0
        self.stopped = []

    def look(self, name):
        self.looks += 1
        return super().look(name)

    def stop(self, name):
        self.stopped.append(name)


async def test_a_starting_server_is_tried_again_and_again_and_looked_at_seldom(tmp_path, monkeypatch):
    launcher, tries = Counting(), 0

    async def refused(_path):
        nonlocal tries
        tries += 1
        if tries == 100:  # two seconds later
            launcher.seen = Observation(liveness=Liveness.LOST)
        raise ConnectionRefusedError

    monkeypatch.setattr(asyncio, "open_unix_connection", refused)
    monkeypatch.setattr(launched, "TRY_SECONDS", 0)
    with pytest.raises(SpawnException, match="ended while it was starting"):
        await spawner_of(launcher)._until_listening(tmp_path / "s.sock")
    assert (tries, launcher.looks) == (100, 4)


async def test_a_server_that_is_slow_to_end_is_looked_at_more_and_more_seldom(monkeypatch):
    launcher, slept = Counting(), []

    async def passing(seconds):
        slept.append(seconds)
        if sum(slept) > 10:
            launcher.seen = Observation(liveness=Liveness.LOST)

    monkeypatch.setattr(asyncio, "sleep", passing)
    await spawner_of(launcher).stop()
    assert launcher.removed == launcher.stopped == ["gavip-server-a1"]
    assert slept[0] <= 0.02
    assert launcher.looks <= 30
