"""Whoever sets the machine's clock, however often: jobs run once, to their end, and the loop keeps its lease."""

import random

import pytest

from gavip_hub.backends.base import Liveness

DAY, HOUR = 86_400, 3600
JOBS = 6


def play(engine, chance):
    """Set the clock now and then."""
    if chance.random() < 0.2:
        engine.clock.set_by(chance.choice([DAY, -DAY, HOUR, -HOUR, 45, -45]))


def complete_some(engine, chance):
    for container in engine.backend.engine.alive():
        if container.liveness is Liveness.RUNNING and chance.random() < 0.2:
            engine.complete(container.spec.name.removeprefix("gavip-").removesuffix("-1"))


@pytest.mark.parametrize("seed", range(3))
async def test_jobs_run_once_while_somebody_plays_with_the_clock(engine, seed, caplog):
    chance = random.Random(seed)
    jobs = {engine.submit(owner=f"user{number % 3}").id: f"user{number % 3}" for number in range(JOBS)}

    def all_done():
        play(engine, chance)
        complete_some(engine, chance)
        return all(engine.state(job, owner=owner) == "COMPLETED" for job, owner in jobs.items())

    engine.clocks.look()
    engine.clock.set_by(DAY)
    async with engine.loop() as loop:
        await engine.until(lambda: "The machine's clock was set forward by 1 day" in caplog.text)
        await engine.until(all_done)
        await engine.until(lambda: not engine.backend.engine.containers)
        await engine.until(lambda: loop.problem == "")  # the clock runs ahead of a busy machine
    assert sorted(engine.backend.engine.started) == sorted(f"gavip-{job}-1" for job in jobs)
