"""The work queue merges, never gives an item to two, and waits longer after each failure."""

import asyncio

import pytest

from gavip_hub.scheduler.workqueue import WorkQueue
from gavip_hub.testing import ManualClock


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
async def queue(clock):
    queue = WorkQueue(clock=clock, first=1.0, most=8.0)
    yield queue
    queue.close()


def idle(queue):
    """Tell whether nothing is ready and nobody works; items may still wait for their time."""
    return queue._ready.empty() and not queue._active


async def turn():
    """Let everything that can go on go on."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_an_item_put_twice_comes_once(queue):
    queue.put("a")
    queue.put("a")
    queue.put("b")
    assert [await queue.get(), await queue.get()] == ["a", "b"]
    queue.done("a")
    queue.done("b")
    assert idle(queue)


async def test_an_item_that_is_dropped_by_who_has_it_comes_no_more(queue):
    queue.put("a")
    await queue.get()
    queue.put("a")
    queue.drop("a")
    queue.done("a")
    assert idle(queue)


async def test_an_item_put_while_somebody_has_it_comes_again_afterwards(queue):
    queue.put("a")
    await queue.get()
    queue.put("a")
    queue.put("a")
    second = asyncio.create_task(queue.get())
    await turn()
    assert not second.done()
    queue.done("a")
    assert await second == "a"
    queue.done("a")
    assert idle(queue)


async def test_an_item_comes_when_its_time_has_come(queue, clock):
    queue.put_after("a", 3.0)
    await turn()
    clock.advance(2.9)
    await turn()
    assert idle(queue)
    clock.advance(0.2)
    assert await queue.get() == "a"


async def test_a_newer_wish_replaces_an_older_one(queue, clock):
    queue.put_after("a", 3.0)
    queue.put_after("a", 6.0)
    await turn()
    clock.advance(4.0)
    await turn()
    assert idle(queue)
    clock.advance(3.0)
    assert await queue.get() == "a"


async def test_what_is_scheduled_is_not_put_before(queue, clock):
    queue.put_after("a", 3.0)
    queue.put_unless_scheduled("a")
    queue.put_unless_scheduled("b")
    assert await queue.get() == "b"
    queue.done("b")
    assert idle(queue)


async def test_the_wait_doubles_up_to_its_bound_and_begins_anew_after_a_success(queue, clock):
    waits = []
    for _ in range(5):
        queue.retry("a")
        waits.append(await seconds_until(queue, clock))
    queue.forget("a")
    queue.retry("a")
    assert [*waits, await seconds_until(queue, clock)] == [1, 2, 4, 8, 8, 1]


async def seconds_until(queue, clock):
    waited = 0
    while idle(queue):
        await turn()
        clock.advance(1.0)
        waited += 1
        await turn()
    queue.done(await queue.get())
    return waited
