"""Jobs as boxes keep the contract of a backend, with walls and without."""

import os
import signal
import time

import pytest

from gavip_hub.backends.boxes import HANGS_AFTER
from gavip_hub.backends.process import ProcessBackend
from gavip_hub.backends.records import STOP_FILE
from gavip_hub.domain.container import Kind
from tests.gavip_hub.backends.contract import *  # noqa: F403 - a contract suite is there to be taken whole
from tests.gavip_hub.backends.contract import Liveness, liveness, started, until
from tests.support.boxes import OPEN, BoxWorld, box_world, needed_report

WAITS = """
import os, pathlib, sys, time
word = pathlib.Path(os.environ["GAVIP_ATTEMPT_DIR"], "end")
while not word.exists():
    time.sleep(0.01)
sys.exit(int(word.read_text()))
"""


class ProcessWorld:
    def __init__(self, boxes: BoxWorld):
        self.boxes = boxes

    def backend(self):
        fresh = BoxWorld(root=self.boxes.root, sandbox=self.boxes.sandbox)
        return ProcessBackend(launcher=fresh.launcher)

    def endless(self, name):
        return self.boxes.spec(name, "python", "-S", "-c", WAITS, env={"GAVIP_ATTEMPT_DIR": "/attempt"})

    async def end(self, name, code):
        partial = self.boxes.attempt(name) / "partial"
        partial.write_text(str(code))
        partial.chmod(0o644)
        partial.rename(partial.with_name("end"))

    async def destroy(self, name):
        self.boxes.destroy(name)

    async def hang(self, name):
        os.kill(self.boxes.shim_pid(name), signal.SIGSTOP)

    async def long_after(self, name):
        file = self.boxes.root / "boxes" / name / STOP_FILE
        file.write_text(str(time.monotonic() - HANGS_AFTER - 1))


@pytest.fixture(params=["sandbox", "open"])
def world(request):
    sandbox = needed_report("sandbox") if request.param == "sandbox" else OPEN
    with box_world(sandbox) as boxes:
        yield ProcessWorld(boxes)


async def test_a_shim_that_hangs_is_not_killed_before_its_time(world):
    backend = world.backend()
    handle = await started(backend, world.endless("gavip-ja-1"))
    await world.hang(handle.name)
    await backend.stop(handle)
    await backend.stop(handle)
    assert await liveness(backend, handle) is Liveness.RUNNING
    os.kill(world.boxes.shim_pid(handle.name), signal.SIGCONT)
    await until(lambda: liveness(backend, handle), Liveness.EXITED)


async def test_servers_are_not_the_backends(world):
    world.boxes.launcher.launch(
        world.boxes.spec(
            "gavip-server-a1", "python", "-S", "-c", "import time; time.sleep(60)", kind=Kind.NOTEBOOK
        )
    )
    assert await world.backend().owned() == []
