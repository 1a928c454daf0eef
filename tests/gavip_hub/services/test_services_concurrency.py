"""Many at once: nothing is over-committed, claimed twice, numbered twice or lost, on either database."""

import random
from concurrent.futures import ThreadPoolExecutor

from avi_kernel.protocol.runs import Progress
from gavip_hub.domain.container import Kind
from gavip_hub.domain.ending import End
from gavip_hub.domain.quota import Want
from gavip_hub.domain.waits import Told
from gavip_hub.exceptions import Conflict, GavipError, SignInRequired
from gavip_hub.storage.ids import new_id
from gavip_hub.storage.schema import Container
from tests.support.engine import Engine

THREADS = 8


def in_parallel(acts):
    """Run all acts at once and return what they returned or raised, in order."""
    with ThreadPoolExecutor(max_workers=THREADS) as pool:
        return [_outcome(future) for future in [pool.submit(act) for act in acts]]


def _outcome(future):
    try:
        return future.result(timeout=60)
    except GavipError as error:
        return error


def test_claims_never_take_more_than_the_platform_has(database, tmp_path):
    engine = Engine(
        database=database, root=tmp_path, settings={"platform_memory_mb": 550, "platform_cpu": 100.0}
    )
    made = [engine.submit(owner=f"user{n % 6}").id for n in range(24)]
    orders = in_parallel([lambda job=job: engine.lifecycle.claim_one(job) for job in made])
    assert sum(order is not None for order in orders) == 5
    assert engine.quotas.platform_pool().memory_used_mb == 500


def test_claims_and_servers_share_one_pool(database, tmp_path):
    quota = {"memory_mb": 750, "cpu": 100.0, "jobs": 50, "servers": 50}
    engine = Engine(database=database, root=tmp_path, settings={"quota": quota, "platform_cpu": 100.0})
    made = [engine.submit().id for _ in range(10)]

    def admit():
        want = Want(kind=Kind.INTERFACE, memory_mb=100, cpu=1.0)
        with engine.database.transaction() as session:
            if engine.quotas.room(session, owner="ann", groups=[], want=want):
                return None
            now = engine.clock.now()
            row = Container(id=new_id("c", now=now), owner="ann", ref="x", created_at=now, state="LIVE")
            row.kind, row.memory_mb, row.cpu = want.kind, want.memory_mb, want.cpu
            session.add(row)
            return row

    acts = [lambda job=job: engine.lifecycle.claim_one(job) for job in made] + [admit] * 10
    random.Random(1).shuffle(acts)
    assert sum(taken is not None for taken in in_parallel(acts)) == 7
    assert engine.quotas.user_pool(owner="ann", groups=[]).memory_used_mb == 700


def test_one_job_is_claimed_by_one(engine):
    job = engine.submit().id
    orders = in_parallel([lambda: engine.lifecycle.claim_one(job)] * 16)
    assert sum(order is not None for order in orders) == 1


def test_the_number_of_jobs_is_never_passed(database, tmp_path):
    engine = Engine(
        database=database, root=tmp_path, settings={"quota": {"memory_mb": 900, "cpu": 4.0, "jobs": 5}}
    )
    in_parallel([engine.submit] * 20)
    assert engine.quotas.user_pool(owner="ann", groups=[]).jobs_used == 5


def test_of_many_who_cancel_one_succeeds(engine):
    job = engine.submit().id
    outcomes = in_parallel([lambda: engine.jobs.cancel(owner="ann", job=job)] * 12)
    assert sum(isinstance(outcome, Conflict) for outcome in outcomes) == 11
    assert engine.state(job) == "ABORTED"


def test_events_seen_while_others_write_are_never_followed_by_smaller_ones(engine):
    """A reader that remembers the largest id it saw must not miss one that commits later."""
    read = []

    def reader():
        after = 0
        while len(read) < 40:
            for event in engine.events.events_since(owner="ann", after=after):
                read.append(event.id)
                after = event.id

    in_parallel([engine.submit] * 20 + [reader])
    every = [event.id for event in engine.events.events_since(owner="ann", after=0)]
    assert read == every == list(range(1, 41))


def test_reports_cancels_and_ends_at_once_leave_one_end_and_no_memory(engine):
    orders = [engine.lifecycle.claim_one(engine.submit().id) for _ in range(4)]
    acts = []
    for order in orders:
        acts += [
            lambda order=order: engine.attempts.record_progress(order.token, Progress(fraction=0.2)),
            lambda order=order: engine.lifecycle.run_one(order.job, 1),
            lambda order=order: engine.jobs.cancel(owner="ann", job=order.job),
            lambda order=order: engine.lifecycle.finish_one(order.job, 1, End()),
            lambda order=order: engine.lifecycle.finish_one(order.job, 1, End()),
            lambda order=order: engine.lifecycle.set_reasons({each.job: Told("waits") for each in orders}),
        ]
    random.Random(2).shuffle(acts)
    outcomes = in_parallel(acts)
    assert all(not isinstance(o, GavipError) or isinstance(o, Conflict | SignInRequired) for o in outcomes)
    assert {engine.state(order.job) for order in orders} <= {"ABORTED", "QUEUED"}
    assert engine.quotas.platform_pool().memory_used_mb == 0
