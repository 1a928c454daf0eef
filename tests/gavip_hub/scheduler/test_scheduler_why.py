"""Why a job waits is true, seen at the whole engine: real loop, services and database, with containers in memory."""

import asyncio
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from gavip_hub.domain.job import JobState
from gavip_hub.domain.policies import FairShare, Fifo, SmallestFirst
from gavip_hub.storage.database import Database
from gavip_hub.storage.migrate import upgrade
from gavip_hub.storage.schema import Job
from tests.support.engine import BOUND, Engine, prepared

OWNERS = ("ann", "bob", "cid")
WISHES = st.lists(
    st.tuples(st.sampled_from(OWNERS), st.integers(1, 8).map(lambda hundreds: hundreds * 100)),
    min_size=2,
    max_size=10,
)
HUGE = 10**6
NO_SHRINKING = (Phase.explicit, Phase.reuse, Phase.generate)
"""An example runs a whole engine: a second each."""


class Passes:
    """Counts the passes of a loop, and asks for more."""

    def __init__(self, clock):
        self.many = 0
        self._clock = clock

    @contextmanager
    def timer(self):
        yield
        self.many += 1

    async def more(self, loop):
        """Let the loop look at the queue twice: the first look may have begun before; hardly any time passes meanwhile."""
        for _ in range(2):
            before = self.many
            async with asyncio.timeout(BOUND):
                while self.many == before:
                    await loop.tick()
                    self._clock.advance(0.01)  # or a loop that rests would rest for ever
                    await asyncio.sleep(0.001)


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """A database with its tables and one release: to make one for each example would take longer than the test."""
    path = tmp_path_factory.mktemp("template") / "gavip.sqlite"
    upgrade(f"sqlite:///{path}")
    prepared(f"sqlite:///{path}").close()
    return path


@contextmanager
def an_engine(template, policy, *, platform_mb, platform_cpu, own_mb):
    """Give an engine in which each user's pool can be raised alone: each is the one member of a group."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(template, f"{folder}/gavip.sqlite")
        limits = {
            "platform_memory_mb": platform_mb,
            "platform_cpu": platform_cpu,
            "quota": {"memory_mb": own_mb, "cpu": 4.0, "jobs": 20, "servers": 5},
            "group_quotas": {owner: {"memory_mb": 0, "cpu": 0.0} for owner in OWNERS},
        }
        database = Database(url=f"sqlite:///{folder}/gavip.sqlite")
        yield Engine(database=database, root=Path(folder), policy=policy, settings=limits)
        database.close()


def queued(engine):
    """Return the jobs that wait, with their owners."""
    with engine.database.reading() as session:
        rows = session.query(Job.id, Job.owner).where(Job.state == JobState.QUEUED).order_by(Job.id)
        return [tuple(row) for row in rows]


def raise_to(engine, owner, limit, value):
    """Raise one limit of the platform's pool, or of one owner's."""
    if limit[0] == "platform":
        setattr(engine.config, f"platform_{limit[1]}", value)
        return
    more = {**engine.config.group_quotas[owner], limit[1]: value - engine.config.quota[limit[1]]}
    engine.config.group_quotas = {**engine.config.group_quotas, owner: more}


def named(engine, owner, job):
    """Return the limits that are told to be in the way, with the values that would start the job."""
    limits = engine.jobs.wait(owner=owner, job=job).limits
    return {(one.pool, one.limit): one.needed for one in limits}


async def tell_and_raise(engine, first, second, pick):
    """Fill the platform, let others wait, and do to one of them what its owner is told."""
    passes = Passes(engine.clock)
    async with engine.loop(pass_timer=passes.timer) as loop:
        for wishes in (first, second):
            for owner, memory_mb in wishes:
                engine.submit(owner=owner, groups=[owner], memory_mb=memory_mb, pipeline="big")
                engine.clock.advance(1)  # so that their order is that of the example
            await passes.more(loop)
        waiting = queued(engine)
        assume(waiting)
        job, owner = waiting[pick % len(waiting)]
        limits = named(engine, owner, job)
        assert limits, "it waits for nothing that anybody could raise"
        for pool in ("yours", "platform"):
            for limit in ("memory_mb", "cpu"):
                if (pool, limit) not in limits:
                    raise_to(engine, owner, (pool, limit), HUGE)
        await passes.more(loop)
        assert (job, owner) in queued(engine), "it started although none of its limits was raised"
        # Others may have started in that room: what is in the way is told as it is now.
        for limit, needed in named(engine, owner, job).items():
            raise_to(engine, owner, limit, round(needed + 0.5) if limit[1] == "memory_mb" else needed)
        await passes.more(loop)
        assert (job, owner) not in queued(engine), "it waits on although each limit was raised as told"


@pytest.mark.parametrize("policy", [FairShare(), Fifo(), SmallestFirst()], ids=lambda p: type(p).__name__)
@given(
    first=WISHES,
    second=WISHES,
    platform_mb=st.integers(8, 20).map(lambda hundreds: 100 * hundreds),
    platform_cpu=st.integers(2, 8).map(float),
    pick=st.integers(0, 19),
)
@settings(max_examples=8, deadline=None, phases=NO_SHRINKING)
def test_raising_exactly_what_is_told_starts_a_job_and_raising_all_else_does_not(
    template, policy, first, second, platform_mb, platform_cpu, pick
):
    pools = {"platform_mb": platform_mb, "platform_cpu": platform_cpu, "own_mb": 800}
    with an_engine(template, policy, **pools) as engine:
        asyncio.run(tell_and_raise(engine, first, second, pick))
