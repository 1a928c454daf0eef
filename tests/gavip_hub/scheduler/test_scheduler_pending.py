import pytest

from gavip_hub.domain.ending import End
from gavip_hub.domain.waits import Told
from gavip_hub.scheduler.pending import PendingJobs
from gavip_hub.storage.jobs import remove


@pytest.fixture
def pending(engine):
    return PendingJobs(lifecycle=engine.lifecycle)


def submitted(engine):
    engine.clock.advance(1)
    return engine.submit().id


def known(pending):
    pending.refresh()
    return list(pending.due())


def test_it_knows_who_waits_already(engine, pending):
    jobs = [submitted(engine) for _ in range(3)]
    assert known(pending) == jobs


def test_it_follows_who_comes_and_who_goes(engine, pending):
    first, second = submitted(engine), submitted(engine)
    known(pending)
    third = submitted(engine)
    engine.lifecycle.claim([first])
    engine.jobs.cancel(owner="ann", job=second)
    assert known(pending) == [third]


def test_it_follows_what_they_were_told(engine, pending):
    job = submitted(engine)
    known(pending)
    engine.lifecycle.set_reasons({job: Told("waits for 4 GB")})
    pending.refresh()
    assert pending.due()[job].told.reason == "waits for 4 GB"


def test_who_is_tried_again_comes_back_when_its_time_has_come_and_nothing_is_left(engine, pending):
    job = submitted(engine)
    engine.lifecycle.claim([job])
    engine.lifecycle.finish_one(job, 1, End())
    assert known(pending) == []
    engine.clock.advance(60)
    assert known(pending) == []  # its container is still there
    engine.lifecycle.clear_one(job)
    assert known(pending) == [job]


def test_it_forgets_who_is_deleted_and_purged_between_two_looks(engine, pending):
    gone, there = submitted(engine), submitted(engine)
    known(pending)
    engine.jobs.delete(owner="ann", job=gone)
    engine.lifecycle.purge(gone)
    assert known(pending) == [there]


@pytest.fixture
def lost(engine, pending):
    """A job that it knows, and that is gone without any event."""
    job = submitted(engine)
    known(pending)
    with engine.database.transaction() as session:
        remove(session, job)
    return job


def test_whom_it_doubts_it_looks_at_whatever_events_tell(pending, lost):
    assert known(pending) == [lost]
    pending.doubt([lost])
    assert known(pending) == []


def test_it_may_doubt_more_than_a_statement_can_name(engine, pending):
    job = submitted(engine)
    known(pending)
    pending.doubt(f"j{number}" for number in range(70_000))
    assert known(pending) == [job]


def test_anew_it_forgets_whom_no_event_tells_of(pending, lost):
    pending.refresh(anew=True)
    assert lost not in pending.due()


def test_it_follows_a_clock_that_is_set(engine, pending):
    engine.clocks.look()
    job = submitted(engine)
    known(pending)
    engine.clock.set_by(86_400)
    engine.clocks.look()
    pending.refresh()
    assert pending.due()[job].queued_at == engine.clock.now()


def test_it_is_what_the_database_says_whatever_happened(engine, pending):
    jobs = [submitted(engine) for _ in range(20)]
    for place, job in enumerate(jobs):
        known(pending)
        if place % 3 == 0:
            engine.lifecycle.claim([job])
        if place % 3 == 1:
            engine.jobs.cancel(owner="ann", job=job)
    waiting, _ = engine.lifecycle.waiting()
    assert known(pending) == [job.job for job in waiting]
