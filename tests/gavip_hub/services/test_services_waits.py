"""Why a job waits: true in numbers, with what would start it sooner and when it will probably start."""

import json
from datetime import timedelta

import pytest

from gavip_hub.domain.ending import End
from gavip_hub.domain.experience import FEWEST_WAITS
from gavip_hub.exceptions import Conflict, NotFound
from gavip_hub.services.board import FRESH
from gavip_hub.services.estimates import WAITS, EstimateService
from gavip_hub.services.past import PastRuns
from gavip_hub.services.policies import PolicyService
from gavip_hub.services.waits import MOST_SUGGESTIONS
from gavip_hub.storage import settings
from gavip_hub.storage.schema import Attempt, Container, Job
from gavip_hub.testing import exit_record
from tests.support.engine import Engine, place_for
from tests.support.statements import statements


@pytest.fixture
def engine(database, tmp_path):
    return Engine(database=database, root=tmp_path, settings={"platform_memory_mb": 1000})


def a_pass(engine):
    """Let the scheduler look once: start what is to start, and say why the others wait."""
    pending, snapshot = engine.lifecycle.waiting()
    ranking = engine.policy.rank(pending, snapshot)
    started = [ranked.job for ranked in ranking if ranked.wait is None]
    for job in started:
        assert engine.lifecycle.claim_one(job)
        engine.lifecycle.run_one(job, 1)
    engine.lifecycle.explain({ranked.job: ranked.wait for ranked in ranking if ranked.wait})
    return started


def wait_of(engine, job, owner="ann"):
    return engine.jobs.wait(owner=owner, job=job)


def completed(engine, seconds, *, peak=200.0, **asked):
    """Run a job to its end."""
    job = engine.submit(**asked).id
    assert a_pass(engine) == [job]
    engine.clock.advance(seconds)
    end(engine, job, peak=peak)
    return job


def end(engine, job, *, peak=200.0):
    """Let a running job complete."""
    engine.lifecycle.finish_one(job, 1, End(exit=exit_record()))
    with engine.database.transaction() as session:
        session.get_one(Job, job).state = "COMPLETED"
        session.get_one(Attempt, (job, 1)).memory_peak_mb = peak
    engine.lifecycle.clear_one(job, 1)


def test_the_limit_in_the_way_is_named_with_the_value_that_would_start_it(engine):
    engine.submit(memory_mb=700)
    a_pass(engine)
    job = engine.submit(memory_mb=500).id
    assert a_pass(engine) == []
    (limit,) = wait_of(engine, job).limits
    assert (limit.pool, limit.limit, limit.wanted, limit.used, limit.needed) == (
        "platform",
        "memory_mb",
        500,
        700,
        1200,
    )
    engine.config.platform_memory_mb = 1200
    assert a_pass(engine) == [job]


def test_of_many_that_would_make_room_only_those_that_are_named_are_looked_up(engine):
    engine.config.quota = {"memory_mb": 1000, "cpu": 100.0, "jobs": 20}
    for _ in range(8):
        engine.submit(memory_mb=120)
    a_pass(engine)
    job = engine.submit(memory_mb=120).id
    a_pass(engine)
    with statements(engine.database) as made:
        found = wait_of(engine, job).sooner
    assert len(found) == MOST_SUGGESTIONS
    assert sum("WHERE jobs.id =" in statement for statement in made) == 1 + MOST_SUGGESTIONS


def test_raising_another_limit_starts_nothing(engine):
    engine.submit(memory_mb=700)
    a_pass(engine)
    engine.submit(memory_mb=500)
    engine.config.platform_cpu = 100.0
    engine.config.quota = {"memory_mb": 10**6, "cpu": 100.0, "jobs": 20, "servers": 5}
    assert a_pass(engine) == []


def test_the_head_of_the_queue_is_promised_a_time(engine):
    first = engine.submit(memory_mb=700).id
    a_pass(engine)
    job = engine.submit(memory_mb=500).id
    a_pass(engine)
    limit = engine.jobs.get(owner="ann", job=first).time_limit
    assert wait_of(engine, job).starts_by == engine.clock.now() + timedelta(seconds=limit)
    assert engine.jobs.get(owner="ann", job=job).starts_by == wait_of(engine, job).starts_by


def test_a_job_says_why_it_waits_from_its_first_moment(engine):
    engine.submit(memory_mb=700)
    engine.clock.advance(1)
    job = engine.submit(memory_mb=500).id
    assert wait_of(engine, job).reason == "the scheduler will look at it within seconds"
    pending, snapshot = engine.lifecycle.waiting()
    engine.board.post(engine.policy.rank(pending, snapshot), True)  # and nothing is claimed yet
    assert wait_of(engine, job).reason == (
        "waits for its turn: those ahead of it need the room first; next in the queue"
    )


def test_a_smaller_size_that_fits_is_suggested_unless_past_runs_needed_more(engine):
    completed(engine, 60, peak=200.0)
    engine.submit(memory_mb=700)
    a_pass(engine)
    small = engine.submit(memory_mb=500).id
    a_pass(engine)
    (suggestion,) = smaller(engine, small)
    assert suggestion.memory_mb == 300
    assert "your past runs needed at most 200 MB" in suggestion.words
    completed_peak(engine, 290.0)
    assert smaller(engine, small) == []


def test_what_others_needed_is_nobodys_business(engine):
    completed(engine, 60, owner="bob", peak=290.0)
    engine.submit(memory_mb=700)
    a_pass(engine)
    job = engine.submit(memory_mb=500).id
    a_pass(engine)
    assert "no past run of yours" in wait_of(engine, job).sooner[0].words


def smaller(engine, job):
    return [one for one in wait_of(engine, job).sooner if one.memory_mb]


def completed_peak(engine, peak):
    """Pretend that a past run had needed more."""
    with engine.database.transaction() as session:
        found = session.query(Attempt).filter(Attempt.memory_peak_mb.is_not(None)).one()
        found.memory_peak_mb = peak


def test_an_own_job_that_would_make_room_by_ending_is_named(engine):
    engine.config.quota = {"memory_mb": 800, "cpu": 8.0, "jobs": 20, "servers": 5}
    first = engine.submit(memory_mb=700).id
    a_pass(engine)
    job = engine.submit(memory_mb=500).id
    a_pass(engine)
    found = wait_of(engine, job)
    assert [limit.pool for limit in found.limits if limit.limit == "memory_mb"] == ["yours", "platform"]
    assert [one.job for one in found.sooner if one.job] == [first]


def test_an_own_job_makes_room_on_the_platform_too(engine):
    first = engine.submit(memory_mb=700).id
    a_pass(engine)
    job = engine.submit(memory_mb=500).id
    a_pass(engine)
    assert [(one.job, one.words) for one in wait_of(engine, job).sooner if one.job] == [
        (first, f"Cancel your job “Plot” ({first}), which holds 700 MB of memory.")
    ]


def test_an_own_job_whose_end_would_not_be_enough_is_not_named(engine):
    engine.submit(owner="bob", memory_mb=600)
    engine.submit(memory_mb=100)
    a_pass(engine)
    job = engine.submit(memory_mb=500).id
    a_pass(engine)
    assert [one.job for one in wait_of(engine, job).sooner if one.job] == []


def test_every_limit_is_told_as_it_is_now_not_as_it_was_when_the_words_last_changed(engine):
    engine.config.quota = {"memory_mb": 800, "cpu": 8.0, "jobs": 20, "servers": 5}
    engine.submit(memory_mb=700)
    a_pass(engine)
    job = engine.submit(memory_mb=500).id
    a_pass(engine)
    engine.submit(owner="bob", memory_mb=200)
    a_pass(engine)
    assert [(one.pool, one.used) for one in wait_of(engine, job).limits] == [
        ("yours", 700),
        ("platform", 900),
    ]


def test_ones_own_jobs_take_nothing_that_ones_own_interface_waits_for(engine):
    engine.config.quota = {"memory_mb": 800, "cpu": 8.0, "jobs": 20, "servers": 5}
    engine.submit(memory_mb=500)
    a_pass(engine)
    waits_for_room(engine, memory_mb=400)
    job = engine.submit(memory_mb=100).id
    assert a_pass(engine) == []
    assert wait_of(engine, job).reason == (
        "waits for 100 MB of memory: your 1 running job holds 500 of your 800 MB of memory, "
        "and the rest is kept for your interface that waits for room; next in the queue"
    )


def waits_for_room(engine, *, memory_mb):
    """Have ann wait before a page until there is room."""
    with engine.database.transaction() as session:
        session.add(place_for("ann", memory_mb=memory_mb, at=engine.clock.now()))


def test_an_avi_learns_nothing_of_what_its_user_runs_of_others(engine):
    engine.config.quota = {"memory_mb": 800, "cpu": 8.0, "jobs": 20, "servers": 5}
    first = engine.submit(memory_mb=700).id
    a_pass(engine)
    job = engine.submit(memory_mb=500).id
    a_pass(engine)
    assert [one.job for one in engine.jobs.wait(owner="ann", job=job, avi="stars").sooner if one.job] == [
        first
    ]
    with engine.database.transaction() as session:
        session.query(Container).update({"avi": "galaxies"})
    assert [one.job for one in engine.jobs.wait(owner="ann", job=job, avi="stars").sooner if one.job] == []


def test_what_does_not_wait_has_no_wait(engine):
    job = engine.submit().id
    a_pass(engine)
    with pytest.raises(Conflict):
        wait_of(engine, job)


def test_another_users_wait_is_told_as_if_there_were_none(engine):
    job = engine.submit().id
    with pytest.raises(NotFound):
        wait_of(engine, job, owner="bob")


@pytest.fixture
def estimates(engine):
    return EstimateService(
        database=engine.database,
        lifecycle=engine.lifecycle,
        policies=PolicyService(database=engine.database, clock=engine.clock, default="fair-share"),
        past_runs=PastRuns(database=engine.database, clock=engine.clock),
        board=engine.board,
        clock=engine.clock,
    )


def test_the_queue_is_estimated_in_the_order_in_which_the_scheduler_ranked_it_last(engine, estimates):
    for _ in range(5):
        completed(engine, 60)
    engine.submit(memory_mb=700)
    a_pass(engine)
    first, second = (engine.submit(memory_mb=500).id for _ in range(2))
    ranking = engine.policy.rank(*engine.lifecycle.waiting())
    engine.board.post([one for one in ranking if one.job == first], True)
    estimates.refresh()
    assert [wait_of(engine, job).estimate is not None for job in (first, second)] == [True, False]
    engine.clock.advance(FRESH.total_seconds() + 1)
    estimates.refresh()
    assert wait_of(engine, second).estimate is not None


def test_a_job_that_falls_behind_the_front_keeps_what_it_was_told_first(engine, estimates):
    for _ in range(5):
        completed(engine, 60)
    first = engine.submit(memory_mb=700).id
    a_pass(engine)
    job = engine.submit(memory_mb=500).id
    engine.board.post(engine.policy.rank(*engine.lifecycle.waiting()), True)
    estimates.refresh()
    engine.clock.advance(30)
    engine.board.post([], True)
    estimates.refresh()
    assert wait_of(engine, job).estimate is None
    engine.clock.advance(60)
    end(engine, first)
    assert a_pass(engine) == [job]
    estimates.refresh()
    with engine.database.reading() as session:
        assert json.loads(settings.get(session, WAITS[True])) == [1.5]


def test_after_five_runs_a_start_is_estimated(engine, estimates):
    for seconds in (50, 60, 60, 60, 70):
        completed(engine, seconds)
    engine.submit(memory_mb=700)
    a_pass(engine)
    engine.clock.advance(10)
    job = engine.submit(memory_mb=500).id
    a_pass(engine)
    estimates.refresh()
    found = wait_of(engine, job).estimate
    assert (found.runs, found.unknown) == (5, 0)
    assert found.middle == engine.clock.now() + timedelta(seconds=50)
    assert found.soonest < found.middle < found.latest


def test_what_has_run_for_long_is_expected_to_run_as_the_longer_ones_did(engine, estimates):
    for seconds in (50, 60, 60, 60, 90):
        completed(engine, seconds)
    engine.submit(memory_mb=700)
    a_pass(engine)
    engine.clock.advance(80)
    job = engine.submit(memory_mb=500).id
    a_pass(engine)
    estimates.refresh()
    assert wait_of(engine, job).estimate.middle == engine.clock.now() + timedelta(seconds=10)


def test_of_a_pipeline_that_never_ran_its_time_limit_tells_a_little(engine, estimates):
    """All that ran took a sixtieth of its hour; so will, probably, what never ran."""
    for _ in range(5):
        completed(engine, 60)
    first = engine.submit(memory_mb=700, pipeline="big").id
    a_pass(engine)
    job = engine.submit(memory_mb=500).id
    a_pass(engine)
    estimates.refresh()
    found = wait_of(engine, job).estimate
    assert found.unknown == 1
    limits = [engine.jobs.get(owner="ann", job=name).time_limit for name in (first, job)]
    assert found.middle == engine.clock.now() + timedelta(seconds=60 * limits[0] / limits[1])


def test_estimates_are_as_wide_as_past_ones_were_off(engine, estimates):
    for _ in range(5):
        completed(engine, 60)
    ratios = [1.0, 2.0, 3.0] * FEWEST_WAITS
    with engine.database.transaction() as session:
        settings.put(session, WAITS[True], json.dumps(ratios), by="scheduler", at=engine.clock.now())
    engine.submit(memory_mb=700)
    a_pass(engine)
    job = engine.submit(memory_mb=500).id
    a_pass(engine)
    estimates.refresh()
    found, now = wait_of(engine, job).estimate, engine.clock.now()
    times = [(time - now).total_seconds() for time in (found.soonest, found.middle, found.latest)]
    assert times == [60, 120, 180]


def test_how_far_an_estimate_was_off_is_kept_once_its_job_starts(engine, estimates):
    for _ in range(5):
        completed(engine, 60)
    first = engine.submit(memory_mb=700).id
    a_pass(engine)
    job = engine.submit(memory_mb=500).id
    a_pass(engine)
    estimates.refresh()
    engine.clock.advance(90)
    end(engine, first)
    assert a_pass(engine) == [job]
    estimates.refresh()
    with engine.database.reading() as session:
        assert json.loads(settings.get(session, WAITS[True])) == [1.5]


def test_a_cancelled_jobs_wait_says_nothing_of_estimates(engine, estimates):
    for _ in range(5):
        completed(engine, 60)
    engine.submit(memory_mb=700)
    a_pass(engine)
    job = engine.submit(memory_mb=500).id
    a_pass(engine)
    estimates.refresh()
    engine.jobs.cancel(owner="ann", job=job)
    estimates.refresh()
    with engine.database.reading() as session:
        assert settings.get(session, WAITS[True]) is None


def test_an_estimate_is_not_shorter_than_the_queue_allows(engine, estimates):
    """A short job behind the head may pass it only by its limit, however short its kind runs."""
    for _ in range(5):
        completed(engine, 60)
    engine.submit(memory_mb=700)
    a_pass(engine)
    engine.submit(memory_mb=900)
    engine.clock.advance(10)
    small = engine.submit(memory_mb=200).id
    a_pass(engine)
    estimates.refresh()
    assert wait_of(engine, small).estimate.soonest > engine.clock.now()


def test_a_cancelled_job_is_promised_nothing(engine):
    engine.submit(memory_mb=700)
    a_pass(engine)
    job = engine.submit(memory_mb=500).id
    a_pass(engine)
    assert engine.jobs.cancel(owner="ann", job=job).starts_by is None


def test_after_fewer_runs_nothing_is_estimated(engine, estimates):
    completed(engine, 60)
    engine.submit(memory_mb=700)
    a_pass(engine)
    job = engine.submit(memory_mb=500).id
    a_pass(engine)
    estimates.refresh()
    assert wait_of(engine, job).estimate is None


def test_what_a_container_held_counts_until_it_is_forgotten(engine):
    completed(engine, 600)
    engine.submit(owner="ann")
    engine.submit(owner="bob")
    _, snapshot = engine.lifecycle.waiting()
    assert snapshot.spent.get("bob", 0.0) == 0.0
    used = snapshot.spent["ann"]
    engine.clock.advance(86_400)
    _, later = engine.lifecycle.waiting()
    assert later.spent["ann"] == pytest.approx(used / 2, rel=0.01)
