"""Whoever sets the machine's clock, however often: jobs run once, to their end, and the loop keeps its lease."""

import random

import pytest

from avi_kernel.protocol.runs import Progress
from gavip_hub.backends.base import Liveness
from gavip_hub.testing import (
    FailsAtStage,
    FakeBackend,
)
from tests.support.looping import backed, name, seconds, start_by_hand

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


HOURS = [86_400, -3600]
"""A day ahead, an hour back."""


@pytest.mark.parametrize("by", HOURS)
async def test_a_clock_that_is_set_ends_no_running_job(engine, by):
    job = engine.submit().id
    async with engine.loop():
        await engine.until_state(job, "RUNNING")
        engine.attempts.record_progress(engine.token(name(job)), Progress(fraction=0.1))
        await seconds(engine, 2)
        engine.clock.set_by(by)
        await seconds(engine, 5)
        assert (engine.state(job), engine.jobs.get(owner="ann", job=job).reason) == ("RUNNING", "")
        engine.complete(job)
        await engine.until_state(job, "COMPLETED")
    assert engine.backend.engine.started == [name(job)]


@pytest.mark.parametrize("by", HOURS)
async def test_a_clock_that_is_set_costs_no_launch(database, tmp_path, by):
    engine = backed(database, tmp_path, StaysCreated())
    job = engine.submit().id
    async with engine.loop():
        await engine.until(lambda: engine.backend.engine.containers)
        engine.clock.set_by(by)
        await seconds(engine, 5)
        engine.backend.engine.run(name(job))
        await engine.until_state(job, "RUNNING")
    assert engine.backend.engine.started == [name(job)]


class StaysCreated(FakeBackend):
    async def start(self, spec):
        self.engine.create(spec)
        yield {"name": spec.name}


async def test_a_launch_that_takes_too_long_is_given_up(database, tmp_path):
    engine = backed(database, tmp_path, StaysCreated())
    job = engine.submit().id
    async with engine.loop():
        await engine.until(lambda: engine.backend.engine.containers)
        await seconds(engine, 2)
        engine.clock.advance(301)
        await engine.until(lambda: engine.jobs.get(owner="ann", job=job).attempts[0].state == "FAILED")


@pytest.mark.parametrize("by", HOURS)
async def test_a_clock_that_is_set_changes_nothing_for_the_loop(engine, by):
    order = engine.lifecycle.claim_one(engine.submit().id)
    await start_by_hand(engine, order, saved=True)
    async with engine.loop() as loop:
        await seconds(engine, 2)
        await engine.until(lambda: loop.healthy)
        engine.clock.set_by(by)
        assert loop.healthy
        engine.backend.engine.containers["gavip-jforgotten-1"] = engine.backend.engine.containers[order.name]
        await engine.until(lambda: "gavip-jforgotten-1" not in engine.backend.engine.containers)


@pytest.mark.parametrize("by", HOURS)
async def test_a_clock_that_is_set_delays_no_second_try(database, tmp_path, by):
    engine = backed(database, tmp_path, FailsAtStage(stage=0))
    job = engine.submit().id
    async with engine.loop():
        await engine.until(lambda: engine.backend.failures == 1)
        await engine.until_state(job, "QUEUED")
        engine.clock.set_by(by)
        await engine.until(lambda: engine.backend.failures == 2)
