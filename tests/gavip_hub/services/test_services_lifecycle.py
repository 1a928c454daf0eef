"""What the loop and the runner do to jobs: claims, tokens, ends; every illegal move is a conflict."""

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from avi_kernel.protocol.runs import Outcome, Progress
from gavip_hub.domain.ending import CANCELLED, TIME_LIMIT, End
from gavip_hub.domain.job import TRANSITIONS, AttemptState, JobState
from gavip_hub.exceptions import Conflict, SignInRequired
from gavip_hub.services.lifecycle import TRACE_FOR
from gavip_hub.services.moves import move
from gavip_hub.storage import attempts
from gavip_hub.storage.schema import Attempt, Container, Event, Job
from gavip_hub.testing import EPOCH, exit_record
from tests.support.engine import Engine, place_for


def claimed(engine, **wishes):
    return engine.lifecycle.claim_one(engine.submit(**wishes).id)


def running(engine, **wishes):
    order = claimed(engine, **wishes)
    engine.attempts.record_progress(order.token, Progress(fraction=0.1))
    return order


def outcome(status="completed"):
    return Outcome(status=status, started_at=EPOCH, ended_at=EPOCH)


def in_state(engine, state):
    job = engine.submit().id
    with engine.database.transaction() as session:
        session.get(Job, job).state = state
    return job


def move_to(engine, job, new):
    with engine.database.transaction() as session:
        move(session, session.get(Job, job), new, at=EPOCH)


@pytest.mark.parametrize("old", JobState)
def test_an_illegal_move_is_a_conflict_and_leaves_no_trace(engine, old):
    job = in_state(engine, old)
    before = engine.jobs.events(owner="ann", job=job)
    for new in set(JobState) - TRANSITIONS[old]:
        with pytest.raises(Conflict):
            move_to(engine, job, new)
    assert engine.state(job) == old
    assert engine.jobs.events(owner="ann", job=job) == before


@pytest.mark.parametrize("old", JobState)
def test_a_legal_move_has_one_event_in_its_transaction(engine, old):
    for new in TRANSITIONS[old]:
        job = in_state(engine, old)
        before = engine.jobs.events(owner="ann", job=job)
        move_to(engine, job, new)
        (event,) = engine.jobs.events(owner="ann", job=job)[len(before) :]
        assert (event.kind, event.data["state"]) == ("job.state", new)


def test_who_comes_second_gets_a_conflict(engine):
    job = engine.submit().id
    with engine.database.reading() as session:
        stale = session.get(Job, job)
    engine.jobs.cancel(owner="ann", job=job)
    with pytest.raises(Conflict, match="no longer QUEUED"), engine.database.transaction() as session:
        move(session, stale, JobState.LAUNCHING, at=EPOCH)


def test_a_claim_makes_attempt_token_and_ledger_row(engine):
    order = claimed(engine)
    assert (order.attempt, order.name) == (1, f"gavip-{order.job}-1")
    assert engine.state(order.job) == "LAUNCHING"
    with engine.database.reading() as session:
        (attempt,) = attempts.of_job(session, order.job)
        ledger = session.get(Container, attempt.container)
    assert order.token not in attempt.token_hash
    assert (ledger.owner, ledger.ref, ledger.memory_mb, ledger.state) == ("ann", order.name, 100, "RESERVED")


def test_a_job_is_claimed_once(engine):
    order = claimed(engine)
    assert engine.lifecycle.claim_one(order.job) is None
    assert engine.lifecycle.claim_one("jnothing") is None


@pytest.mark.parametrize("action", ["cancel", "delete"])
def test_a_job_that_is_not_wanted_is_not_claimed(engine, action):
    job = engine.submit().id
    getattr(engine.jobs, action)(owner="ann", job=job)
    assert engine.lifecycle.claim_one(job) is None


def test_a_claim_that_does_not_fit_says_which_limit_binds(engine):
    claimed(engine, memory_mb=4000)
    job = engine.submit(pipeline="big").id
    assert engine.lifecycle.claim_one(job) is None
    assert (
        engine.jobs.get(owner="ann", job=job).reason
        == "waits for 300 MB of memory: your 1 running job holds 3.9 of your 4 GB of memory"
    )


def test_the_platforms_own_limit_binds_too(engine):
    claimed(engine, memory_mb=4000)
    job = engine.submit(owner="bob", pipeline="big").id
    assert engine.lifecycle.claim_one(job) is None
    assert "3.9 of the platform's 4 GB" in engine.jobs.get(owner="bob", job=job).reason


def test_the_database_itself_refuses_two_live_attempts(engine):
    order = claimed(engine)
    with engine.database.reading() as session:
        container = session.get(Attempt, (order.job, 1)).container
    second = Attempt(
        job=order.job,
        number=2,
        container=container,
        token_hash="x",
        state=AttemptState.LAUNCHING,
        started_at=EPOCH,
    )
    with pytest.raises(IntegrityError), engine.database.transaction() as session:
        session.add(second)


def test_a_runner_gets_its_document(engine):
    order = claimed(engine, parameters={"radius": 4})
    document = engine.attempts.document_for(order.token)
    assert (document.job, document.attempt, document.owner) == (order.job, 1, "ann")
    assert (document.pipeline.name, document.parameters, document.memory_mb) == ("plot", {"radius": 4.0}, 100)


def test_the_first_report_makes_a_job_run_and_its_container_live(engine):
    order = running(engine)
    assert engine.state(order.job) == "RUNNING"
    with engine.database.reading() as session:
        attempt = session.get(Attempt, (order.job, 1))
        assert session.get(Container, attempt.container).state == "LIVE"


def test_a_token_nobody_gave_opens_nothing(engine):
    with pytest.raises(SignInRequired):
        engine.attempts.document_for("gavip-job-guess")


def test_a_token_is_dead_when_its_attempt_ends(engine):
    order = running(engine)
    engine.lifecycle.finish_one(order.job, 1, End(exit=exit_record(code=1)))
    for act in (
        lambda: engine.attempts.document_for(order.token),
        lambda: engine.attempts.record_progress(order.token, Progress()),
        lambda: engine.attempts.record_outcome(order.token, outcome()),
    ):
        with pytest.raises(SignInRequired):
            act()


def test_an_outcome_alone_does_not_end_a_job(engine):
    order = running(engine)
    engine.attempts.record_outcome(order.token, outcome())
    assert engine.state(order.job) == "RUNNING"
    assert engine.lifecycle.standing(order.job).outcome["status"] == "completed"


def test_an_ended_attempt_gives_its_memory_back(engine):
    order = running(engine)
    assert engine.lifecycle.finish_one(order.job, 1, End(outcome=outcome())) is JobState.COMPLETED
    assert engine.quotas.user_pool(owner="ann", groups=[]).memory_used_mb == 0


def test_an_attempt_ends_once(engine):
    order = running(engine)
    engine.lifecycle.finish_one(order.job, 1, End(outcome=outcome()))
    assert engine.lifecycle.finish_one(order.job, 1, End()) is None
    assert engine.state(order.job) == "COMPLETED"


def test_the_exit_is_kept_with_the_attempt(engine):
    order = running(engine)
    engine.lifecycle.finish_one(
        order.job, 1, End(exit=exit_record(code=137, reason="out_of_memory", memory_peak_mb=99.5))
    )
    (attempt,) = engine.jobs.get(owner="ann", job=order.job).attempts
    assert (attempt.state, attempt.exit_code, attempt.memory_peak_mb, attempt.cpu_seconds) == (
        "ERROR",
        137,
        99.5,
        0.5,
    )


def test_a_platform_failure_puts_the_job_back_with_the_reason(engine):
    order = running(engine)
    assert engine.lifecycle.finish_one(order.job, 1, End()) is JobState.QUEUED
    job = engine.jobs.get(owner="ann", job=order.job)
    assert "vanished without a trace" in job.reason
    assert "tried again in 5 s (attempt 2)" in job.reason
    assert (job.fraction, job.attempts[0].state) == (0.0, "FAILED")


def test_a_job_waits_before_it_is_tried_again(engine):
    order = running(engine)
    engine.lifecycle.finish_one(order.job, 1, End())
    engine.lifecycle.clear_one(order.job, 1)
    assert engine.lifecycle.waiting()[0] == []
    engine.clock.advance(5)
    assert [job.job for job in engine.lifecycle.waiting()[0]] == [order.job]


def test_no_new_attempt_before_the_old_container_is_removed(engine):
    order = running(engine)
    engine.lifecycle.finish_one(order.job, 1, End())
    engine.clock.advance(5)
    assert engine.lifecycle.waiting()[0] == []
    assert engine.lifecycle.claim_one(order.job) is None
    assert engine.lifecycle.leftovers() == [order.job]
    engine.lifecycle.clear_one(order.job, 1)
    assert engine.lifecycle.claim_one(order.job).attempt == 2


def test_a_cancel_between_two_looks_wins_over_a_platform_failure(engine):
    order = running(engine)
    engine.jobs.cancel(owner="ann", job=order.job)
    assert engine.lifecycle.finish_one(order.job, 1, End()) is JobState.ABORTED


def test_a_stop_by_the_platform_is_no_cancel(engine):
    order = running(engine)
    engine.lifecycle.begin_stop(order.job, 1, TIME_LIMIT)
    assert engine.lifecycle.standing(order.job).stop_code == TIME_LIMIT
    assert engine.lifecycle.finish_one(order.job, 1, End()) is JobState.ERROR


def test_a_cancel_while_the_platform_stops_the_job_changes_nothing(engine):
    order = running(engine)
    engine.lifecycle.begin_stop(order.job, 1, TIME_LIMIT)
    with pytest.raises(Conflict):
        engine.jobs.cancel(owner="ann", job=order.job)
    assert engine.lifecycle.standing(order.job).stop_code != CANCELLED


def test_a_state_saved_after_a_cancel_is_kept_but_not_wanted(engine):
    order = claimed(engine)
    assert engine.lifecycle.save_state(order.job, 1, {"pid": 1}) is True
    engine.jobs.cancel(owner="ann", job=order.job)
    assert engine.lifecycle.save_state(order.job, 1, {"pid": 2}) is False
    assert engine.lifecycle.standing(order.job).backend_state == {"pid": 2}


def test_containers_of_no_attempt_are_strays(engine):
    order = claimed(engine)
    assert engine.lifecycle.strays([order.name, "gavip-jother-1"]) == ["gavip-jother-1"]


def test_a_deleted_job_is_purged_with_everything_of_it(engine):
    order = running(engine)
    engine.jobs.delete(owner="ann", job=order.job)
    engine.lifecycle.purge(order.job)
    assert engine.lifecycle.standing(order.job) is not None
    engine.lifecycle.finish_one(order.job, 1, End())
    engine.lifecycle.clear_one(order.job, 1)
    engine.lifecycle.purge(order.job)
    assert engine.lifecycle.standing(order.job) is None
    assert engine.events.events_since(owner="ann", after=0) == []


def test_of_a_purged_job_a_trace_without_its_owner_is_left_for_a_while(engine):
    job = engine.submit().id
    mark = engine.lifecycle.changes(None).until
    engine.jobs.delete(owner="ann", job=job)
    engine.lifecycle.purge(job)
    engine.lifecycle.forget_purged()
    assert engine.lifecycle.changes(mark).looked_at == {job}
    assert all_events(engine) == [("", {})]
    engine.clock.advance(TRACE_FOR.total_seconds() + 1)
    engine.lifecycle.forget_purged()
    assert all_events(engine) == []


def all_events(engine):
    with engine.database.reading() as session:
        return [(event.owner, event.data) for event in session.scalars(select(Event))]


def test_a_job_takes_nothing_that_somebody_waits_for_before_a_page(database, tmp_path):
    engine = Engine(database=database, root=tmp_path, settings={"platform_memory_mb": 250})
    order = claimed(engine)
    with database.transaction() as session:
        session.add(place_for("bob", memory_mb=200, at=engine.clock.now()))
    job = engine.submit().id
    assert engine.lifecycle.claim_one(job) is None
    assert (
        "the rest is kept for those who wait for an interface" in engine.jobs.get(owner="ann", job=job).reason
    )
    assert engine.lifecycle.waiting()[1].promised.memory_mb == 200
    engine.lifecycle.finish_one(order.job, 1, End(exit=exit_record(code=1)))
    assert engine.lifecycle.claim_one(job) is None
