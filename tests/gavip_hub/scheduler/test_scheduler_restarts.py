"""A service that ends at any moment: the next one goes on with its jobs, and ends what belongs to nobody."""

import pytest

from gavip_hub.exceptions import Unavailable
from gavip_hub.testing import FakeBackend
from tests.support.looping import name, start_by_hand


async def test_a_restart_finds_a_running_job_and_its_end(engine):
    job = engine.submit().id
    async with engine.loop():
        await engine.until_state(job, "RUNNING")
    engine.complete(job)
    async with engine.loop(FakeBackend(engine=engine.backend.engine)):
        await engine.until_state(job, "COMPLETED")
    assert engine.backend.engine.started == [name(job)]


async def test_a_restart_before_the_container_was_started_tries_again(engine):
    job = engine.submit().id
    engine.lifecycle.claim_one(job)  # and the service died
    async with engine.loop():
        await engine.until_state(job, "RUNNING")
    attempts = engine.jobs.get(owner="ann", job=job).attempts
    assert [attempt.state for attempt in attempts] == ["FAILED", "RUNNING"]
    assert engine.backend.engine.started == [name(job, 2)]


@pytest.mark.parametrize("saved", [True, False])
async def test_a_restart_right_after_the_container_was_started_goes_on_with_it(engine, saved):
    order = engine.lifecycle.claim_one(engine.submit().id)
    await start_by_hand(engine, order, saved=saved)
    async with engine.loop():
        await engine.until_state(order.job, "RUNNING")
        engine.complete(order.job)
        await engine.until_state(order.job, "COMPLETED")
    assert engine.backend.engine.started == [order.name]


async def test_a_restart_while_a_job_is_being_stopped_goes_on_stopping_it(engine):
    job = engine.submit().id
    async with engine.loop():
        await engine.until_state(job, "RUNNING")
    engine.jobs.cancel(owner="ann", job=job)
    async with engine.loop():
        await engine.until_state(job, "ABORTED")


async def test_a_restart_between_storing_the_folder_and_the_end_finds_the_outcome(engine):
    job = engine.submit().id
    async with engine.loop():
        await engine.until_state(job, "RUNNING")
    engine.complete(job)
    engine.folders.finished(owner="ann", job=job, attempt=1)
    async with engine.loop():
        await engine.until_state(job, "COMPLETED")
    assert len(engine.jobs.get(owner="ann", job=job).results) == 1


async def test_a_restart_between_the_end_and_the_removal_removes(engine):
    job = engine.submit().id
    async with engine.loop(NeverForgets(engine=engine.backend.engine)):
        await engine.until_state(job, "RUNNING")
        engine.complete(job)
        await engine.until_state(job, "COMPLETED")
    assert engine.backend.engine.containers
    async with engine.loop():
        await engine.until(lambda: not engine.backend.engine.containers)


class NeverForgets(FakeBackend):
    async def remove(self, handle):
        raise OSError("the folder is busy")


async def test_no_second_attempt_while_the_first_container_cannot_be_removed(engine):
    job = engine.submit().id
    backend = NeverForgets(engine=engine.backend.engine)
    async with engine.loop(backend):
        await engine.until_state(job, "RUNNING")
        engine.backend.engine.vanish(name(job))
        await engine.until_state(job, "QUEUED")
        end = engine.clock.now().timestamp() + 120
        await engine.until(lambda: engine.clock.now().timestamp() > end)
        assert engine.state(job) == "QUEUED"
    assert engine.backend.engine.started == [name(job)]


async def test_containers_that_belong_to_nobody_are_ended(engine):
    order = engine.lifecycle.claim_one(engine.submit().id)
    await start_by_hand(engine, order, saved=True)
    stray = engine.backend.engine.containers.pop(order.name)
    engine.backend.engine.containers["gavip-jforgotten-1"] = stray
    async with engine.loop():
        await engine.until(lambda: "gavip-jforgotten-1" not in engine.backend.engine.containers)


class KeepsOne(FakeBackend):
    """Cannot remove one of its containers."""

    asked = 0

    async def remove(self, handle):
        if handle.name == "gavip-x-1":
            self.asked += 1
            raise Unavailable("the container gavip-x-1 cannot be removed")
        await super().remove(handle)


async def test_one_that_cannot_be_removed_keeps_no_other_and_nothing_else_waiting(engine, caplog):
    order = engine.lifecycle.claim_one(engine.submit().id)
    await start_by_hand(engine, order, saved=True)
    containers = engine.backend.engine.containers
    containers["gavip-x-1"] = containers["gavip-y-1"] = containers.pop(order.name)
    backend = KeepsOne(engine=engine.backend.engine)
    async with engine.loop(backend) as loop:
        await engine.until(lambda: "gavip-y-1" not in containers)
        await engine.until(lambda: backend.asked == 2)
        assert loop.healthy
    assert "the container gavip-x-1 cannot be removed; it is tried again" in caplog.text
