"""The loop takes jobs from state to target, with real threads, real databases and real folders."""

import asyncio
from contextlib import AsyncExitStack, suppress

import pytest

from avi_kernel.protocol.runs import Outcome, Progress
from gavip_hub.backends.base import Liveness
from gavip_hub.domain.policies import Fifo
from gavip_hub.exceptions import SignInRequired
from gavip_hub.testing import (
    EPOCH,
    DiesSilently,
    FailsAtStage,
    FakeBackend,
    FakeEngine,
    NeverStops,
    SlowBackend,
    exit_record,
)
from tests.support.engine import Engine
from tests.support.looping import backed, error, name, one_after_another

RAISED = {"code": "raised", "message": "ValueError: no stars", "cell": 2}


async def test_a_job_runs_to_its_results(engine):
    job = engine.submit().id
    async with engine.loop():
        await engine.until_state(job, "RUNNING")
        engine.complete(job, results={"plot.png": b"pixels"})
        await engine.until_state(job, "COMPLETED")
    (entry,) = engine.jobs.get(owner="ann", job=job).results
    stored = engine.root / "users" / "ann" / "jobs" / job / "1" / "results" / entry.name
    assert stored.read_bytes() == b"pixels"


async def test_nothing_is_left_of_an_ended_job(engine):
    job = engine.submit().id
    async with engine.loop():
        await engine.until_state(job, "RUNNING")
        engine.complete(job)
        await engine.until(lambda: not engine.backend.engine.containers)
        await engine.until(lambda: not engine.lifecycle.leftovers())
    assert list((engine.root / "attempts").iterdir()) == []
    assert engine.quotas.platform_pool().memory_used_mb == 0


async def test_a_container_is_told_all_it_needs(engine):
    job = engine.submit(memory_mb=77).id
    async with engine.loop():
        await engine.until_state(job, "RUNNING")
        spec = engine.backend.engine.containers[name(job)].spec
    assert engine.attempts.document_for(spec.env["GAVIP_TOKEN"]).job == job
    assert (spec.env["GAVIP_ATTEMPT_DIR"], spec.resources.memory_mb, spec.resources.time_limit) == (
        "/attempt",
        77,
        3600,
    )
    assert {mount.target for mount in spec.mounts if mount.writable} == {"/home/ann/avis/stars", "/attempt"}


async def test_a_report_of_the_end_is_acted_upon_at_once(engine):
    """Time stands still in this test: no tick helps."""
    job = engine.submit().id
    async with engine.loop():
        await engine.until_state(job, "RUNNING")
        token = engine.token(name(job))
        engine.complete(job)
        outcome = Outcome(status="completed", started_at=EPOCH, ended_at=EPOCH)
        with suppress(SignInRequired):  # the loop was just looking, and has seen the end by itself
            await asyncio.to_thread(engine.attempts.record_outcome, token, outcome)
        async with asyncio.timeout(10):
            while engine.state(job) != "COMPLETED":
                await asyncio.sleep(0.005)


async def test_a_failing_cell_reaches_its_owner(engine):
    job = engine.submit().id
    async with engine.loop():
        await engine.until_state(job, "RUNNING")
        engine.write_outcome(job, status="error", error=RAISED, results={"partial.ipynb": b"{}"})
        engine.backend.engine.end(name(job), exit_record(code=1))
        await engine.until_state(job, "ERROR")
    assert (error(engine, job).message, error(engine, job).cell) == ("ValueError: no stars", 2)
    assert [entry.name for entry in engine.jobs.get(owner="ann", job=job).results] == ["partial.ipynb"]


@pytest.mark.parametrize(
    ("record", "code", "words"),
    [
        (exit_record(code=3), "exited", "exit status 3"),
        (exit_record(code=137, reason="out_of_memory", memory_peak_mb=100.2), "out_of_memory", "100 MB"),
        (exit_record(code=143, reason="time_limit"), "time_limit", "60 min|1 h"),
    ],
)
async def test_an_end_without_an_outcome_is_told_in_words(engine, record, code, words):
    job = engine.submit().id
    async with engine.loop():
        await engine.until_state(job, "RUNNING")
        engine.backend.engine.end(name(job), record)
        await engine.until_state(job, "ERROR")
    told = error(engine, job)
    assert told.code == code
    assert any(each in told.message for each in words.split("|"))
    assert told.hint


async def test_cancelling_stops_the_container(engine):
    job = engine.submit().id
    async with engine.loop():
        await engine.until_state(job, "RUNNING")
        engine.jobs.cancel(owner="ann", job=job)
        await engine.until_state(job, "ABORTED")
        await engine.until(lambda: not engine.backend.engine.containers)


async def test_the_time_limit_holds_even_where_the_container_does_not_keep_it(engine):
    job = engine.submit().id
    async with engine.loop():
        await engine.until_state(job, "RUNNING")
        engine.clock.advance(3600 + 20)
        await engine.until_state(job, "ERROR")
    assert error(engine, job).code == "time_limit"


async def test_a_silent_job_is_looked_at_and_its_owner_told(engine):
    job = engine.submit().id
    async with engine.loop():
        await engine.until_state(job, "RUNNING")
        token = engine.token(name(job))
        engine.attempts.record_progress(token, Progress(fraction=0.1))
        engine.clock.advance(engine.config.silence)
        await engine.until(lambda: "has not reported" in engine.jobs.get(owner="ann", job=job).reason)
        engine.attempts.record_progress(token, Progress(fraction=0.2))
        assert engine.jobs.get(owner="ann", job=job).reason == ""


async def test_a_job_that_says_it_ended_and_stays_is_ended(engine):
    job = engine.submit().id
    async with engine.loop():
        await engine.until_state(job, "RUNNING")
        engine.write_outcome(job)
        outcome = Outcome(status="completed", started_at=EPOCH, ended_at=EPOCH)
        engine.attempts.record_outcome(engine.token(name(job)), outcome)
        engine.clock.advance(30)
        await engine.until_state(job, "COMPLETED")


async def test_queued_jobs_start_as_room_is_made_and_are_told_why_they_wait(database, tmp_path):
    engine = backed(database, tmp_path, FakeBackend(), platform_memory_mb=250)
    first, second, third = one_after_another(engine, "ann", "bob", "ann")
    async with engine.loop():
        await engine.until_state(first, "RUNNING")
        await engine.until_state(second, "RUNNING", owner="bob")
        await engine.until(lambda: engine.jobs.get(owner="ann", job=third).reason)
        reason = engine.jobs.get(owner="ann", job=third).reason
        engine.complete(first)
        await engine.until_state(third, "RUNNING")
    assert reason == (
        "waits for 100 MB of memory: 2 running jobs hold 200 of the platform's 250 MB of memory; "
        "next in the queue"
    )
    assert engine.jobs.get(owner="ann", job=third).reason == ""


async def test_forty_jobs_never_hold_more_than_the_platform_has(database, tmp_path):
    engine = backed(database, tmp_path, FakeBackend(), platform_memory_mb=450, platform_cpu=100.0)
    for number in range(40):
        engine.submit(owner=f"user{number % 4}")
    fake = engine.backend.engine

    def all_done():
        for container in fake.alive():
            if container.liveness is Liveness.RUNNING:
                fake.end(container.spec.name, exit_record(code=1))
        return engine.quotas.platform_pool().jobs_used == 0

    async with engine.loop():
        await engine.until(all_done)
    assert fake.most_alive <= 450
    assert len(fake.started) == len(set(fake.started)) == 40


async def test_a_deleted_job_leaves_neither_rows_nor_files(engine):
    job = engine.submit().id
    async with engine.loop():
        await engine.until_state(job, "RUNNING")
        engine.jobs.delete(owner="ann", job=job)
        await engine.until(lambda: engine.lifecycle.standing(job) is None)
    assert not engine.backend.engine.containers
    assert not (engine.root / "users" / "ann" / "jobs" / job).exists()


@pytest.mark.parametrize("stage", [0, 1, 2])
async def test_a_start_that_fails_is_tried_three_times_and_then_told(database, tmp_path, stage):
    engine = backed(database, tmp_path, FailsAtStage(stage=stage))
    job = engine.submit().id
    async with engine.loop():
        await engine.until_state(job, "ERROR")
        await engine.until(lambda: not engine.backend.engine.containers)
    assert engine.backend.failures == 3
    assert error(engine, job).code == "platform"
    assert f"failed at stage {stage}" in error(engine, job).message
    assert [attempt.state for attempt in engine.jobs.get(owner="ann", job=job).attempts] == ["FAILED"] * 3


async def test_a_container_that_dies_silently_is_a_platform_failure(database, tmp_path):
    engine = backed(database, tmp_path, DiesSilently())
    job = engine.submit().id
    async with engine.loop():
        await engine.until_state(job, "ERROR")
    assert "vanished without a trace" in error(engine, job).message
    assert engine.backend.engine.started == [name(job, attempt) for attempt in (1, 2, 3)]


async def test_a_container_that_vanished_with_its_work_done_is_a_success(engine):
    job = engine.submit().id
    async with engine.loop():
        await engine.until_state(job, "RUNNING")
        engine.write_outcome(job)
        engine.backend.engine.vanish(name(job))
        await engine.until_state(job, "COMPLETED")


async def test_a_container_that_never_stops_keeps_its_job_and_its_memory(database, tmp_path):
    engine = backed(database, tmp_path, NeverStops())
    job = engine.submit().id
    async with engine.loop():
        await engine.until_state(job, "RUNNING")
        engine.jobs.cancel(owner="ann", job=job)
        await engine.until(lambda: len(engine.backend.asked) > 5)
        assert engine.state(job) == "STOPPING"
        assert engine.quotas.platform_pool().memory_used_mb == 100
        engine.backend.relent = True
        await engine.until_state(job, "ABORTED")


async def test_a_cancel_during_a_slow_start_ends_it(database, tmp_path):
    engine = backed(database, tmp_path, SlowBackend())
    job = engine.submit().id
    async with engine.loop():
        await engine.backend.created.wait()
        engine.jobs.cancel(owner="ann", job=job)
        engine.backend.proceed.set()
        await engine.until_state(job, "ABORTED")
        await engine.until(lambda: not engine.backend.engine.containers)


async def test_an_engine_that_is_away_for_a_while_costs_nothing(engine):
    class Away(FakeBackend):
        calls = 0

        async def check(self, handles):
            self.calls += 1
            if 2 < self.calls < 8:
                raise ConnectionError("the engine does not answer")
            return await super().check(handles)

    backend = Away(engine=engine.backend.engine)
    job = engine.submit().id
    async with engine.loop(backend):
        await engine.until(lambda: backend.calls > 8)
        await engine.until_state(job, "RUNNING")
        engine.complete(job)
        await engine.until_state(job, "COMPLETED")


async def test_a_policy_that_fails_stops_nothing_but_starts(database, tmp_path):
    class Moody(Fifo):
        broken = False

        def rank(self, pending, snapshot):
            if self.broken:
                raise ZeroDivisionError
            return super().rank(pending, snapshot)

    engine = Engine(database=database, root=tmp_path, policy=Moody())
    running = engine.submit().id
    async with engine.loop():
        await engine.until_state(running, "RUNNING")
        engine.policy.broken = True
        waiting = engine.submit().id
        engine.complete(running)
        await engine.until_state(running, "COMPLETED")
        engine.policy.broken = False
        await engine.until_state(waiting, "RUNNING")


async def test_the_loop_says_whether_it_is_well(engine):
    async with engine.loop() as loop:
        # For longer than a loop that never looked would be taken for well.
        await engine.until(lambda: engine.clock.monotonic() > 20 and loop.healthy)
        assert loop.problem == ""
    engine.clock.advance(60)
    assert not loop.healthy
    assert loop.problem == "The scheduler has ended."


async def test_a_loop_that_ends_lets_a_launch_end(database, tmp_path):
    engine = backed(database, tmp_path, SlowBackend(engine=FakeEngine()))
    job = engine.submit().id
    async with engine.loop():
        await engine.backend.created.wait()
        asyncio.get_running_loop().call_later(0.05, engine.backend.proceed.set)
    assert engine.lifecycle.standing(job).backend_state == {"name": name(job), "stage": "started"}


async def test_of_two_loops_one_works_and_the_other_takes_over(database, tmp_path):
    engine = backed(database, tmp_path, SlowBackend())
    first = engine.submit().id
    async with AsyncExitStack() as standby:
        async with engine.loop():
            await engine.backend.created.wait()
            await standby.enter_async_context(engine.loop())
            end = engine.clock.now().timestamp() + 10
            await engine.until(lambda: engine.clock.now().timestamp() > end)
            engine.backend.proceed.set()
            await engine.until_state(first, "RUNNING")
        second = engine.submit().id
        await engine.until_state(second, "RUNNING")
    assert engine.backend.engine.started == [name(first), name(second)]
