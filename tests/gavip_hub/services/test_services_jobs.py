"""What people do with their jobs."""

import pytest

from avi_kernel.protocol.api import Phase
from avi_kernel.protocol.runs import Outcome, Progress
from gavip_hub.exceptions import (
    BadManifest,
    BadParameter,
    BadRequest,
    Conflict,
    NoRoom,
    NotFound,
    QueueFull,
    TooLarge,
)
from gavip_hub.testing import EPOCH
from tests.support.engine import Engine


def claimed(engine, **wishes):
    """Submit a job and have it claimed for launch; return its order."""
    return engine.lifecycle.claim_one(engine.submit(**wishes).id)


def test_a_submitted_job_waits_in_the_queue(engine):
    job = engine.submit(parameters={"radius": 3})
    assert (job.phase, job.parameters, job.title) == (Phase.QUEUED, {"radius": 3.0}, "Plot")
    assert job.url == f"/services/gavip/jobs/{job.id}"


def test_a_job_can_be_created_now_and_started_later(engine):
    job = engine.submit(start=False)
    assert job.phase is Phase.PENDING
    assert engine.jobs.start(owner="ann", groups=[], job=job.id).phase is Phase.QUEUED


@pytest.mark.parametrize(
    ("parameters", "field", "complaint"),
    [
        ({"radius": 11}, "radius", "at most 10 deg"),
        ({"radius": "wide"}, "radius", "must be a number"),
        ({"colour": 1}, "colour", "unknown parameter; this pipeline accepts: radius"),
        ({"x=1\nimport os": 1}, r"x=1\nimport os", "unknown parameter"),
    ],
)
def test_a_parameter_that_is_not_acceptable_is_named(engine, parameters, field, complaint):
    with pytest.raises(BadParameter, match=complaint) as refused:
        engine.submit(parameters=parameters)
    assert (refused.value.field, refused.value.status_code) == (field, 422)
    assert engine.jobs.page(owner="ann").items == []


@pytest.mark.parametrize("pipeline", ["nothing", "step"])
def test_only_offered_pipelines_can_be_run(engine, pipeline):
    with pytest.raises(BadParameter, match="it has: plot, big, grows") as refused:
        engine.submit(pipeline=pipeline)
    assert refused.value.field == "pipeline"


@pytest.mark.parametrize(
    ("wishes", "memory"),
    [
        ({"pipeline": "plot"}, (100, "default")),
        ({"pipeline": "big"}, (300, "author")),
        ({"pipeline": "grows", "parameters": {"n": 7}}, (170, "expression")),
        ({"pipeline": "grows", "memory_mb": 64}, (64, "user")),
    ],
)
def test_memory_is_the_users_choice_else_the_authors_else_the_platforms(engine, wishes, memory):
    job = engine.submit(**wishes)
    assert (job.memory_mb, job.memory_source) == memory


@pytest.mark.parametrize("wishes", [{"memory_mb": 4097}, {"pipeline": "grows", "parameters": {"n": 100_000}}])
def test_more_memory_than_the_pool_can_ever_hold_is_refused_with_its_limit(engine, wishes):
    with pytest.raises(TooLarge, match="your pool has 4096") as refused:
        engine.submit(**wishes)
    assert refused.value.field == "memory_mb"


def test_more_memory_than_the_platform_has_is_refused_with_its_limit(database, tmp_path):
    engine = Engine(database=database, root=tmp_path, settings={"platform_memory_mb": 200})
    with pytest.raises(TooLarge, match="the whole platform has 200"):
        engine.submit(pipeline="big")


def test_an_expression_that_gives_no_memory_can_be_overruled(engine):
    with pytest.raises(BadManifest, match="choose the memory yourself"):
        engine.submit(pipeline="grows", parameters={"n": -10})
    assert engine.submit(pipeline="grows", parameters={"n": -10}, memory_mb=100).memory_mb == 100


def test_all_jobs_that_have_not_ended_count_towards_the_quota(database, tmp_path):
    engine = Engine(
        database=database, root=tmp_path, settings={"quota": {"memory_mb": 900, "cpu": 4.0, "jobs": 2}}
    )
    claimed(engine)
    created = engine.submit(start=False).id
    for start in (True, False):
        with pytest.raises(NoRoom, match="2 jobs that have not ended, and your quota allows 2"):
            engine.submit(start=start)
    assert engine.jobs.start(owner="ann", groups=[], job=created).phase is Phase.QUEUED
    assert engine.submit(owner="bob").phase is Phase.QUEUED


def test_groups_widen_the_quota(database, tmp_path):
    settings = {"quota": {"memory_mb": 100, "cpu": 4.0}, "group_quotas": {"gaia": {"memory_mb": 300}}}
    engine = Engine(database=database, root=tmp_path, settings=settings)
    with pytest.raises(TooLarge):
        engine.submit(pipeline="big")
    assert engine.submit(pipeline="big", groups=["gaia"]).memory_mb == 300


def test_a_job_is_seen_by_its_owner_and_its_avi_alone(engine):
    job = engine.submit().id
    assert engine.jobs.get(owner="ann", job=job, avi="stars").id == job
    for owner, avi in (("bob", None), ("ann", "galaxies")):
        with pytest.raises(NotFound):
            engine.jobs.get(owner=owner, job=job, avi=avi)
        with pytest.raises(NotFound):
            engine.jobs.cancel(owner=owner, job=job, avi=avi)
        with pytest.raises(NotFound):
            engine.jobs.delete(owner=owner, job=job, avi=avi)
        with pytest.raises(NotFound):
            engine.jobs.events(owner=owner, job=job, avi=avi)
        assert engine.jobs.page(owner=owner, avi=avi).items == []


def test_jobs_are_listed_newest_first_page_by_page(engine):
    made = []
    for _ in range(5):
        engine.clock.advance(1)
        made.append(engine.submit().id)
    first = engine.jobs.page(owner="ann", limit=2)
    second = engine.jobs.page(owner="ann", limit=2, before=first.next)
    third = engine.jobs.page(owner="ann", limit=2, before=second.next)
    assert [job.id for page in (first, second, third) for job in page.items] == made[::-1]
    assert third.next is None


def test_jobs_are_listed_by_phase(engine):
    running, queued = claimed(engine).job, engine.submit().id
    assert [job.id for job in engine.jobs.page(owner="ann", phase=Phase.EXECUTING).items] == [running]
    assert [job.id for job in engine.jobs.page(owner="ann", phase=Phase.QUEUED).items] == [queued]
    assert engine.jobs.page(owner="ann", phase=Phase.ARCHIVED).items == []


def test_a_page_has_a_bounded_length(engine):
    with pytest.raises(BadRequest, match="1 to 200"):
        engine.jobs.page(owner="ann", limit=201)


@pytest.mark.parametrize("start", [True, False])
def test_cancelling_a_job_that_waits_ends_it_at_once(engine, start):
    job = engine.submit(start=start).id
    view = engine.jobs.cancel(owner="ann", job=job)
    assert (view.phase, view.ended_at) == (Phase.ABORTED, engine.clock.now())


def test_cancelling_a_job_that_runs_waits_for_its_container(engine):
    order = claimed(engine)
    assert engine.jobs.cancel(owner="ann", job=order.job).state == "STOPPING"
    with pytest.raises(Conflict):
        engine.jobs.cancel(owner="ann", job=order.job)


def test_a_job_that_has_ended_cannot_be_cancelled_or_started(engine):
    job = engine.submit().id
    engine.jobs.cancel(owner="ann", job=job)
    with pytest.raises(Conflict, match="the job is ABORTED"):
        engine.jobs.cancel(owner="ann", job=job)
    with pytest.raises(Conflict):
        engine.jobs.start(owner="ann", groups=[], job=job)


def test_a_deleted_job_is_gone_for_its_owner_at_once(engine):
    job = claimed(engine).job
    engine.jobs.delete(owner="ann", job=job)
    with pytest.raises(NotFound):
        engine.jobs.get(owner="ann", job=job)
    assert engine.lifecycle.standing(job).state == "STOPPING"


def test_a_job_is_run_again_only_after_one_of_the_same_owner(engine):
    first = engine.submit().id
    assert engine.submit(again_of=first).again_of == first
    with pytest.raises(BadParameter, match="no job of yours"):
        engine.submit(owner="bob", again_of=first)


def test_each_step_of_a_job_is_an_event_in_order(engine):
    order = claimed(engine)
    engine.attempts.record_progress(order.token, Progress(fraction=0.5, message="half"))
    engine.attempts.record_progress(order.token, Progress(fraction=0.5, message="half"))
    seen = engine.jobs.events(owner="ann", job=order.job)
    assert [(event.kind, event.data.get("state")) for event in seen] == [
        ("job.state", "PENDING"),
        ("job.state", "QUEUED"),
        ("job.state", "LAUNCHING"),
        ("job.state", "RUNNING"),
        ("job.progress", None),
    ]
    assert seen[-1].data == {"fraction": 0.5, "message": "half", "step": ""}
    assert engine.jobs.events(owner="ann", job=order.job, after=seen[-2].id) == seen[-1:]


def told(engine, job):
    """Return the progress that a job's owner was told."""
    seen = engine.jobs.events(owner="ann", job=job)
    return [event.data["fraction"] for event in seen if event.kind == "job.progress"]


def test_progress_is_told_once_a_second_and_the_last_of_it_with_the_next_heartbeat(engine):
    order = claimed(engine)
    for hundredth in range(1, 51):
        engine.attempts.record_progress(order.token, Progress(fraction=hundredth / 100))
    assert told(engine, order.job) == [0.01]
    assert engine.jobs.get(owner="ann", job=order.job).fraction == 0.5
    engine.clock.advance(engine.config.heartbeat)
    engine.attempts.record_progress(order.token, Progress(fraction=0.5))
    assert told(engine, order.job) == [0.01, 0.5]


def test_a_clock_that_is_set_back_holds_up_no_progress(engine):
    order = claimed(engine)
    engine.attempts.record_progress(order.token, Progress(fraction=0.1))
    engine.clock.set_by(-7200)
    engine.attempts.record_progress(order.token, Progress(fraction=0.2))
    assert told(engine, order.job) == [0.1, 0.2]


def test_an_end_that_is_reported_again_is_told_once(engine):
    order = claimed(engine)
    outcome = Outcome(status="completed", started_at=EPOCH, ended_at=EPOCH)
    engine.attempts.record_outcome(order.token, outcome)
    seen = engine.jobs.events(owner="ann", job=order.job)
    engine.attempts.record_outcome(order.token, outcome)
    assert engine.jobs.events(owner="ann", job=order.job) == seen


def test_a_job_with_many_events_tells_them_in_pieces(engine, monkeypatch):
    monkeypatch.setattr("gavip_hub.services.jobs.MOST_EVENTS", 2)
    order = claimed(engine)
    first = engine.jobs.events(owner="ann", job=order.job)
    rest = engine.jobs.events(owner="ann", job=order.job, after=first[-1].id)
    assert [event.data["state"] for event in first + rest] == ["PENDING", "QUEUED", "LAUNCHING"]
    assert engine.events.latest_of_subject(owner="ann", subject=order.job) == rest[-1]


def test_events_of_all_jobs_of_one_owner_come_in_one_order(engine):
    engine.submit()
    engine.submit(owner="bob")
    engine.submit()
    seen = [event.id for event in engine.events.events_since(owner="ann", after=0)]
    assert seen == sorted(seen)
    assert len(seen) == 4
    assert engine.events.newest(owner="ann") == seen[-1]
    assert engine.events.events_since(owner="ann", after=seen[1], limit=1)[0].id == seen[2]


def test_a_pool_shows_what_is_held(engine):
    claimed(engine)
    engine.submit()
    pool = engine.quotas.user_pool(owner="ann", groups=[])
    assert (pool.memory_used_mb, pool.cpu_used, pool.jobs_used, pool.servers_used) == (100, 1.0, 2, 0)
    assert engine.quotas.platform_pool().memory_used_mb == 100


def test_a_full_queue_takes_no_more_and_says_when_to_come_back(engine):
    engine.config.queue_limit = 2
    engine.submit()
    waiting = engine.submit(owner="bob").id
    with pytest.raises(
        QueueFull, match="2 jobs wait on the platform, and it takes no more now: try again in 60 seconds"
    ):
        engine.submit(owner="cid")
    engine.config.queue_limit = 3
    created = engine.submit(owner="cid", start=False).id
    engine.config.queue_limit = 2
    with pytest.raises(QueueFull):
        engine.jobs.start(owner="cid", groups=(), job=created)
    engine.jobs.cancel(owner="bob", job=waiting)
    assert engine.jobs.start(owner="cid", groups=(), job=created).phase == "QUEUED"
