"""Steps of single jobs, between which anything may happen."""

import asyncio
import threading

import pytest

from gavip_hub.threads import Threads


@pytest.fixture
def threads():
    some = Threads(size=2)
    yield some
    some.close()


async def test_an_order_that_comes_while_its_job_is_looked_at_is_carried_out(engine, threads):
    job = engine.submit().id
    look, was_read, go_on = engine.lifecycle.standings, threading.Event(), threading.Event()

    def slow_look(asked):
        found = look(asked)
        was_read.set()
        go_on.wait()
        return found

    engine.lifecycle.standings = slow_look
    reconciler = engine.reconciler(engine.backend, threads=threads, files=threads)
    step = asyncio.create_task(reconciler.step(job))
    await asyncio.to_thread(was_read.wait)
    reconciler.expect(job)
    reconciler.accept(job, engine.lifecycle.claim_one(job))
    go_on.set()
    await step
    await reconciler.step(job)
    assert engine.state(job) == "RUNNING"
    assert engine.backend.engine.started == [f"gavip-{job}-1"]
