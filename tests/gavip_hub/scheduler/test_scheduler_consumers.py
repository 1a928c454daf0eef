"""Those who work on the queue: many at a time, and what has begun comes to its end."""

import asyncio

import pytest

from gavip_hub.scheduler.consumers import Consumers
from gavip_hub.scheduler.workqueue import WorkQueue
from gavip_hub.testing import ManualClock


class Work:
    """Items that are begun, and end when a test says so."""

    def __init__(self, rest=0.0):
        self.begun, self.ended, self.rest = [], [], rest
        self.began, self.may_end = asyncio.Event(), asyncio.Event()

    async def __call__(self, item):
        self.begun.append(item)
        self.began.set()
        await self.may_end.wait()
        self.ended.append(item)
        return self.rest


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def queue(clock):
    return WorkQueue(clock=clock)


async def began(queue, clock, work, *items):
    """Return the consumers at work, who have begun with something."""
    running = asyncio.create_task(Consumers(queue=queue, work=work, clock=clock, many=2).run())
    for item in items:
        queue.put(item)
    await work.began.wait()
    return running


async def test_what_has_begun_comes_to_its_end_and_nothing_new_begins(queue, clock):
    work = Work()
    running = await began(queue, clock, work, "a", "b", "c")
    running.cancel()
    await asyncio.sleep(0)
    work.may_end.set()
    await asyncio.wait([running])
    assert work.ended == work.begun
    assert "c" not in work.begun


async def test_who_rests_ends_at_once(queue, clock):
    work = Work(rest=1000.0)
    work.may_end.set()
    running = await began(queue, clock, work, "a")
    running.cancel()
    await asyncio.wait([running])
    assert running.cancelled()


async def test_an_item_at_rest_is_nobodys(queue, clock):
    work = Work(rest=10.0)
    work.may_end.set()
    running = await began(queue, clock, work, "a")
    work.began.clear()
    queue.put("a")
    queue.put("b")
    await work.began.wait()
    assert work.begun == ["a", "b"]
    work.began.clear()
    clock.advance(10.0)
    await work.began.wait()
    assert work.begun == ["a", "b", "a"]
    running.cancel()
    await asyncio.wait([running])


async def test_what_work_raises_ends_all(queue, clock):
    async def fails(_item):
        raise LookupError

    running = asyncio.create_task(Consumers(queue=queue, work=fails, clock=clock, many=2).run())
    queue.put("a")
    with pytest.raises(LookupError):
        await running
