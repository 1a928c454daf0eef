"""A database that goes away while jobs are queued, launched, run and ended: it is waited for, and nothing is lost."""

import asyncio

import pytest

from avi_kernel.protocol.runs import Outcome, Progress
from gavip_hub.exceptions import DatabaseAway
from gavip_hub.testing import EPOCH, SlowBackend
from tests.support.engine import Engine, prepared
from tests.support.outages import said


@pytest.fixture
def engine(outage, tmp_path):
    """An engine with room for three jobs, over a database that can be taken away."""
    database = prepared(outage.url)
    backend = SlowBackend()
    backend.proceed.set()
    engine = Engine(database=database, root=tmp_path, backend=backend, settings={"platform_memory_mb": 300})
    yield engine
    database.close()


def name(job):
    return f"gavip-{job}-1"


async def running(engine):
    job = engine.submit().id
    await engine.until_state(job, "RUNNING")
    return job


async def launching(engine):
    """Return a job whose container is there and whose start has not ended."""
    engine.backend.proceed.clear()
    job = engine.submit().id
    await engine.until(lambda: name(job) in engine.backend.engine.containers)
    return job


async def refused(engine, act, *arguments):
    """Time passes while something is tried that the database has to be there for."""
    trying = asyncio.create_task(asyncio.to_thread(act, *arguments))
    await engine.until(trying.done)
    with pytest.raises(DatabaseAway):
        trying.result()


async def test_jobs_go_on_as_if_nothing_had_been(engine, outage, caplog):
    async with engine.loop() as loop:
        runs, ends, launches = await running(engine), await running(engine), await launching(engine)
        waits = engine.submit().id
        token = engine.token(name(runs))
        caplog.clear()  # on a busy machine it may have been slow before
        outage.begin()
        engine.backend.proceed.set()
        engine.complete(ends)
        await refused(engine, engine.submit)
        await refused(engine, engine.attempts.record_progress, token, Progress(fraction=0.5))
        await engine.until(lambda: not loop.healthy)
        meanwhile = caplog.text
        outage.end()
        await engine.until(lambda: loop.healthy)
        await engine.until_state(ends, "COMPLETED")
        for job in (launches, waits):
            await engine.until_state(job, "RUNNING")
        engine.attempts.record_progress(token, Progress(fraction=0.5))
        for job in (runs, launches, waits):
            engine.complete(job)
            await engine.until_state(job, "COMPLETED")
    assert sorted(engine.backend.engine.started) == sorted(map(name, (runs, ends, launches, waits)))
    assert said(meanwhile) == 1  # and not once a try
    assert said(meanwhile, "look at everything") <= 1
    assert "The database answers again" in caplog.text
    assert "Traceback" not in caplog.text


async def test_an_outcome_that_could_not_be_reported_is_found_in_its_file(engine, outage):
    async with engine.loop():
        job = await running(engine)
        token = engine.token(name(job))
        outage.begin()
        outcome = Outcome(status="completed", started_at=EPOCH, ended_at=EPOCH)
        await refused(engine, engine.attempts.record_outcome, token, outcome)
        engine.complete(job, results={"plot.png": b"pixels"})
        outage.end()
        await engine.until_state(job, "COMPLETED")
    assert [entry.name for entry in engine.jobs.get(owner="ann", job=job).results] == ["plot.png"]
    assert len(engine.jobs.get(owner="ann", job=job).attempts) == 1
