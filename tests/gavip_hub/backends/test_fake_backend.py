"""The engine in memory keeps the contract of a backend."""

import pytest

from gavip_hub.domain.container import Kind, Places, Resources, container_spec
from gavip_hub.testing import FakeBackend, FakeEngine, exit_record
from tests.gavip_hub.backends.contract import *  # noqa: F403 - a contract suite is there to be taken whole

PLACES = Places(
    user_space="/u", jobs="/u/jobs", shared_everyone="/se", shared_groups="/sg", shared_me="/sm", attempt="/a"
)


class MemoryWorld:
    def __init__(self):
        self.engine = FakeEngine()

    def backend(self):
        return FakeBackend(engine=self.engine)

    def endless(self, name):
        resources = Resources(memory_mb=64, cpu=1.0, cpu_limit=1.0)
        return container_spec(name=name, kind=Kind.JOB, owner="ann", places=PLACES, resources=resources)

    async def end(self, name, code):
        self.engine.end(name, exit_record(code=code))

    async def destroy(self, name):
        self.engine.vanish(name)

    async def hang(self, name):
        """Nothing watches over a container in memory."""

    async def long_after(self, name):
        """Nor does it know the time."""


@pytest.fixture
def world():
    return MemoryWorld()
