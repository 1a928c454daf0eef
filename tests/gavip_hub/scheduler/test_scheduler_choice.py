"""Policies may be anybody's: what one does wrong must not end all starts."""

import pytest

from gavip_hub.domain.policies import FairShare
from gavip_hub.domain.policy import Policy, Ranked
from gavip_hub.scheduler.choice import Chooser
from gavip_hub.scheduler.news import Reach
from gavip_hub.storage.jobs import remove
from tests.support.engine import Engine


class Breaks(Policy):
    def rank(self, pending, snapshot):
        raise RuntimeError("division by cucumber")


def choosing(engine, policy=None):
    policy = policy or FairShare()
    return Chooser(
        lifecycle=engine.lifecycle, policy=lambda: policy, clock=engine.clock, ranked=lambda *_: None
    )


class Stammers(Policy):
    def rank(self, pending, snapshot):
        return [Ranked(job.job, None) for job in pending for _ in range(2)] + [Ranked("jnobody", None)]


@pytest.fixture
def choose(engine):
    def choose(policy):
        return choosing(engine, policy).choose(Reach.FRONT_AND_NEW)

    return choose


def test_where_a_policy_breaks_fair_share_ranks(engine, choose, caplog):
    job = engine.submit().id
    assert choose(Breaks()) == choose(FairShare()) == ([job], {})
    assert "Fair share ranks instead" in caplog.text
    assert "division by cucumber" in caplog.text


def test_a_job_named_twice_is_started_once_and_one_that_is_none_never(engine, choose):
    job = engine.submit().id
    chosen, _ = choose(Stammers())
    assert chosen == [job, "jnobody"]
    assert [order.job for order in engine.lifecycle.claim(chosen)] == [job]


def test_a_chosen_job_that_is_not_there_takes_no_room_the_next_time(database, tmp_path):
    engine = Engine(database=database, root=tmp_path, settings={"platform_memory_mb": 350})
    chooser = choosing(engine)
    gone = engine.submit(memory_mb=300).id
    assert chooser.choose(Reach.NOBODY) == ([gone], {})
    with database.transaction() as session:
        remove(session, gone)
    engine.clock.advance(1)
    job = engine.submit(owner="bob").id
    assert engine.lifecycle.claim([gone]) == []
    assert chooser.choose(Reach.NOBODY) == ([job], {})


def test_who_waits_is_told_why(engine, choose):
    first = engine.submit(memory_mb=4000).id
    engine.clock.advance(1)
    second = engine.submit(memory_mb=4000).id
    chosen, news = choose(FairShare())
    assert chosen == [first]
    assert "3.9 of your 4 GB" in news[second].words


async def test_a_job_that_cannot_be_claimed_keeps_no_other_from_starting(engine, monkeypatch):
    bad, good = engine.submit().id, engine.submit(owner="bob").id
    claim = engine.lifecycle.claim

    def breaks_on_the_bad_one(jobs):
        if bad in jobs:
            raise RuntimeError("a row like no other")
        return claim(jobs)

    monkeypatch.setattr(engine.lifecycle, "claim", breaks_on_the_bad_one)
    async with engine.loop():
        await engine.until_state(good, "RUNNING", owner="bob")
    assert engine.state(bad) == "QUEUED"
