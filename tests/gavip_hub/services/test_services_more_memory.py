"""A job that ran out of memory is started again with more, where its owner agreed and the pools allow it."""

import pytest

from avi_kernel.protocol.runs import Outcome, ResultEntry
from gavip_hub.domain.ending import End
from gavip_hub.domain.job import JobState
from gavip_hub.testing import EPOCH, exit_record
from tests.support.engine import Engine

AGREED = {"memory_mb": 512, "again_with_more_memory": True}


def ran_out(engine, job, attempt=1, *, peak=None, outcome=None):
    """Claim a job, and have its attempt killed for lack of memory."""
    assert engine.lifecycle.claim_one(job).attempt == attempt
    engine.lifecycle.run_one(job, attempt)
    end = End(exit=exit_record(code=137, reason="out_of_memory", memory_peak_mb=peak), outcome=outcome)
    state = engine.lifecycle.finish_one(job, attempt, end)
    engine.lifecycle.clear_one(job, attempt)
    return state


def seen(engine, job):
    return engine.jobs.get(owner="ann", job=job)


def test_who_agreed_waits_again_with_more(engine):
    job = engine.submit(**AGREED).id
    assert ran_out(engine, job, peak=511.0) is JobState.QUEUED
    view = seen(engine, job)
    assert (view.memory_mb, view.memory_source, view.error) == (768, "out_of_memory", None)
    assert view.reason == "It ran out of memory at 512 MB and is started again with 768 MB."


def test_who_did_not_agree_gets_the_error(engine):
    job = engine.submit(memory_mb=512).id
    assert ran_out(engine, job) is JobState.ERROR
    assert (seen(engine, job).error.code, seen(engine, job).memory_mb) == ("out_of_memory", 512)


def test_each_attempt_keeps_what_it_was_given_and_reached(engine):
    job = engine.submit(**AGREED).id
    ran_out(engine, job, peak=500.0)
    engine.lifecycle.claim_one(job)
    first, second = seen(engine, job).attempts
    assert (first.state, first.memory_mb, first.memory_peak_mb, first.exit_reason) == (
        "ERROR",
        512,
        500.0,
        "out_of_memory",
    )
    assert (second.memory_mb, second.exit_reason) == (768, None)
    assert engine.jobs.usage(owner="ann", job=job).memory_mb == 768


def test_ledger_and_runner_are_told_the_new_size(engine):
    job = engine.submit(**AGREED).id
    ran_out(engine, job)
    order = engine.lifecycle.claim_one(job)
    assert order.memory_mb == engine.attempts.document_for(order.token).memory_mb == 768
    assert engine.quotas.user_pool(owner="ann", groups=[]).memory_used_mb == 768


def test_it_is_tried_three_times_and_then_says_so(engine):
    job = engine.submit(**AGREED).id
    assert [ran_out(engine, job, attempt) for attempt in (1, 2, 3)] == ["QUEUED", "QUEUED", "ERROR"]
    view = seen(engine, job)
    assert [attempt.memory_mb for attempt in view.attempts] == [512, 768, 1152]
    assert "asked for 1152 MB" in view.error.message
    assert "It was tried 3 times, and is not started again by itself." in view.error.hint


@pytest.mark.parametrize(
    "settings",
    [{"platform_memory_mb": 600}, {"quota": {"memory_mb": 600, "cpu": 4.0}}],
    ids=["platform", "user"],
)
def test_the_pools_are_the_most_that_it_gets(database, tmp_path, settings):
    engine = Engine(database=database, root=tmp_path, settings=settings)
    job = engine.submit(**AGREED).id
    assert ran_out(engine, job) is JobState.QUEUED
    assert seen(engine, job).memory_mb == 600
    assert ran_out(engine, job, 2) is JobState.ERROR
    assert "the pools allow no more than 600 MB" in seen(engine, job).error.hint


def test_a_group_that_widens_the_pool_widens_it_here_too(database, tmp_path):
    settings = {"quota": {"memory_mb": 512, "cpu": 4.0}, "group_quotas": {"gaia": {"memory_mb": 1000}}}
    engine = Engine(database=database, root=tmp_path, settings=settings)
    job = engine.submit(groups=["gaia"], **AGREED).id
    assert ran_out(engine, job) is JobState.QUEUED


def test_one_event_tells_of_it(engine):
    job = engine.submit(**AGREED).id
    ran_out(engine, job)
    told = [event.data for event in engine.jobs.events(owner="ann", job=job) if "reason" in event.data]
    (data,) = [data for data in told if "ran out of memory" in data["reason"]]
    assert (data["state"], data["phase"], data["attempt"]) == ("QUEUED", "QUEUED", 1)


def test_a_cancelled_job_is_not_started_again(engine):
    job = engine.submit(**AGREED).id
    engine.lifecycle.claim_one(job)
    engine.jobs.cancel(owner="ann", job=job)
    end = End(exit=exit_record(code=137, reason="out_of_memory"))
    assert engine.lifecycle.finish_one(job, 1, end) is JobState.ABORTED


def test_what_the_killed_attempt_had_made_is_not_the_jobs(engine):
    job = engine.submit(**AGREED).id
    plot = ResultEntry(name="plot.png", size=1, sha256="0" * 64)
    outcome = Outcome(status="error", results=[plot], started_at=EPOCH, ended_at=EPOCH)
    ran_out(engine, job, outcome=outcome)
    engine.lifecycle.claim_one(job)
    done = outcome.model_copy(update={"status": "completed"})
    assert engine.lifecycle.finish_one(job, 2, End(exit=exit_record(), outcome=done)) is JobState.COMPLETED
    assert [entry.name for entry in seen(engine, job).results] == ["plot.png"]


def test_platform_failures_count_among_the_attempts_and_change_no_size(engine):
    job = engine.submit(**AGREED).id
    engine.lifecycle.claim_one(job)
    engine.lifecycle.finish_one(job, 1, End())
    engine.lifecycle.clear_one(job)
    assert ran_out(engine, job, 2) is JobState.QUEUED
    assert [ran_out(engine, job, 3), seen(engine, job).memory_mb] == ["ERROR", 768]


def test_the_queue_in_memory_learns_the_new_size(engine):
    from gavip_hub.scheduler.pending import PendingJobs

    pending = PendingJobs(lifecycle=engine.lifecycle)
    job = engine.submit(**AGREED).id
    pending.refresh()
    assert pending.due()[job].memory_mb == 512
    ran_out(engine, job)
    pending.refresh()
    assert pending.due()[job].memory_mb == 768


async def test_the_loop_starts_it_again_with_more_and_it_ends_well(engine):
    job = engine.submit(**AGREED).id
    async with engine.loop():
        await engine.until_state(job, "RUNNING")
        engine.backend.engine.end(f"gavip-{job}-1", exit_record(code=137, reason="out_of_memory"))
        await engine.until(lambda: f"gavip-{job}-2" in engine.backend.engine.containers)
        second = engine.backend.engine.containers[f"gavip-{job}-2"]
        assert second.spec.resources.memory_mb == 768
        await engine.until_state(job, "RUNNING")
        engine.complete(job, 2)
        await engine.until_state(job, "COMPLETED")
        await engine.until(lambda: not engine.lifecycle.leftovers())
    assert engine.backend.engine.started == [f"gavip-{job}-1", f"gavip-{job}-2"]
    assert engine.backend.engine.most_alive == 768
    assert engine.quotas.platform_pool().memory_used_mb == 0
