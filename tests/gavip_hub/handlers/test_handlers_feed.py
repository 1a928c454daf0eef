import asyncio
import threading
from contextlib import asynccontextmanager

from gavip_hub.handlers.feed import EventFeed
from gavip_hub.storage.database import Touched


async def nobody(_after):
    return frozenset()


@asynccontextmanager
async def running(latest, owners=nobody):
    """Run a feed; gives it and the list of what it subscribed."""
    listeners = []

    def subscribe(listener):
        listeners.append(listener)
        return lambda: listeners.remove(listener)

    feed = EventFeed(subscribe=subscribe, latest=latest, owners=owners)
    task = asyncio.create_task(feed.run())
    await asyncio.sleep(0)
    try:
        yield feed, listeners
    finally:
        task.cancel()
        await asyncio.wait([task])


async def nothing():
    return 0


async def test_a_commit_in_any_thread_rings_its_owners_bell_alone():
    async with running(nothing) as (feed, listeners), asyncio.timeout(10):
        with feed.listen("ann") as anns, feed.listen("bob") as bobs:
            touched = frozenset({Touched(owner="ann", subject="j1", kind="job.state")})
            threading.Thread(target=listeners[0], args=(touched,)).start()
            await anns.wait()
            assert not bobs.is_set()


async def test_the_first_number_rings_all():
    async def latest():
        return 1

    async with running(latest) as (feed, _), asyncio.timeout(10):
        with feed.listen("ann") as bell:
            await bell.wait()


async def test_a_number_that_grew_elsewhere_rings_its_owner_alone():
    numbers = iter([1])

    async def latest():
        return next(numbers, 3)

    async def owners(after):
        return frozenset({"bob"}) if after == 1 else frozenset()

    async with running(latest, owners) as (feed, _), asyncio.timeout(10):
        with feed.listen("ann") as anns, feed.listen("bob") as bobs:
            await anns.wait()
            anns.clear()
            bobs.clear()
            await bobs.wait()
            assert not anns.is_set()


async def test_a_number_that_shrank_rings_all():
    numbers = iter([5, 2])

    async def latest():
        return next(numbers, 2)

    async with running(latest) as (feed, _), asyncio.timeout(10):
        with feed.listen("ann") as bell:
            await bell.wait()
            bell.clear()
            await bell.wait()


async def test_a_database_that_is_away_ends_nothing(caplog):
    answers = iter([RuntimeError("away"), 5])

    async def latest():
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async with running(latest) as (feed, _), asyncio.timeout(10):
        with feed.listen("ann") as bell:
            await bell.wait()
    assert "Looking for news: away; it is tried again" in caplog.text


async def test_nothing_is_left_of_who_went_away():
    async with running(nothing) as (feed, listeners):
        with feed.listen("ann"):
            assert len(feed._bells["ann"]) == 1
        assert "ann" not in feed._bells
    assert listeners == []
