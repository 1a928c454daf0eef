"""What is done in rounds goes on, whatever one of them meets."""

import asyncio

import pytest

from gavip_hub.exceptions import Unavailable
from gavip_hub.scheduler.rounds import Rounds
from gavip_hub.testing import ManualClock


@pytest.mark.parametrize("trouble", [Unavailable(), RuntimeError("the database is away")])
async def test_a_round_that_fails_is_followed_by_the_next(trouble):
    clock, acted = ManualClock(), []
    begun = asyncio.Event()

    async def act():
        acted.append(clock.monotonic())
        begun.set()
        raise trouble

    running = asyncio.create_task(Rounds(task="a test", act=act, every=60.0, clock=clock).run())
    for _ in range(2):
        await begun.wait()
        begun.clear()
        await asyncio.sleep(0)
        clock.advance(60)
    running.cancel()
    await asyncio.wait([running])
    assert acted == [0.0, 60.0]
