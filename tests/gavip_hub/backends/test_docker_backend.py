"""Jobs as containers of a real Docker engine keep the contract of a backend."""

import time

import pytest

from gavip_hub.backends.docker.backend import DockerBackend
from gavip_hub.backends.docker.launcher import HANGS_AFTER
from gavip_hub.backends.records import STOP_FILE
from gavip_hub.backends.runtime import CONTAINERS
from tests.gavip_hub.backends.contract import *  # noqa: F403 - a contract suite is there to be taken whole
from tests.gavip_hub.backends.test_process_backend import WAITS
from tests.support.docker import docker_world

pytestmark = pytest.mark.docker


class Containers:
    """The engine under the backend."""

    def __init__(self, world):
        self.world = world

    def backend(self):
        return DockerBackend(launcher=self.world.fresh_launcher())

    def endless(self, name):
        return self.world.spec(name, "python", "-S", "-c", WAITS, env={"GAVIP_ATTEMPT_DIR": "/attempt"})

    async def end(self, name, code):
        partial = self.world.attempt(name) / "partial"
        partial.write_text(str(code))
        partial.chmod(0o644)
        partial.rename(partial.with_name("end"))

    async def destroy(self, name):
        self.world.destroy(name)

    async def hang(self, name):
        self.world.hang(name)

    async def long_after(self, name):
        file = self.world.root / CONTAINERS / name / STOP_FILE
        file.write_text(str(time.monotonic() - HANGS_AFTER - 1))


@pytest.fixture
def world():
    with docker_world() as containers:
        yield Containers(containers)
