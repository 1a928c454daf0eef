"""A server is what its launcher sees of it; where that sees nothing, it is what it was."""

import pytest

from avi_kernel.protocol.boxes import ExitRecord
from gavip_hub.backends.base import Liveness, Observation
from gavip_hub.exceptions import Unavailable
from gavip_hub.spawners.launched import LaunchedSpawner


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
    spawner.launcher = lambda: launcher
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
