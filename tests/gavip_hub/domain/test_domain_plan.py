"""From an order to a ranking: what starts, what is kept for the head, and why the others wait."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gavip_hub.domain.plan import plan
from gavip_hub.domain.policies import FairShare, Fifo, SmallestFirst
from gavip_hub.domain.quota import PLATFORM, Usage
from gavip_hub.domain.waits import Told
from gavip_hub.testing import EPOCH
from tests.support.queues import USER, at_rest, opened, raised, running, snapshot, started, waiting, words

MINUTE = timedelta(minutes=1)


def test_no_more_start_than_fit():
    assert started(plan([waiting(n) for n in range(5)], snapshot(platform_mb=250))) == ["j0", "j1"]


def test_one_person_at_their_limit_does_not_hold_back_another():
    jobs = [waiting(1, memory_mb=600), waiting(2, memory_mb=600), waiting(3, owner="bob")]
    assert started(plan(jobs, snapshot())) == ["j1", "j3"]


def test_the_head_of_the_queue_is_told_when_it_starts_at_the_latest():
    there = snapshot(
        platform_mb=1000, holdings=[running("bob", memory_mb=300, left=60), running("bob", left=600)]
    )
    (head,) = plan([waiting(1, memory_mb=950)], there)
    assert head.wait.starts_by == EPOCH + 10 * MINUTE


def test_a_job_that_has_ended_by_then_passes_the_head():
    there = snapshot(platform_mb=1000, holdings=[running("cid", memory_mb=500, left=60)])
    jobs = [
        waiting(1, memory_mb=900),
        waiting(2, owner="bob", memory_mb=200, time_limit=60),
        waiting(3, owner="bob", memory_mb=200, time_limit=61),
    ]
    assert started(plan(jobs, there)) == ["j2"]


def test_a_job_that_fits_beside_the_head_passes_it():
    there = snapshot(platform_mb=1000, holdings=[running("cid", memory_mb=500, left=60)])
    jobs = [
        waiting(1, memory_mb=900),
        waiting(2, owner="bob", memory_mb=60, time_limit=9000),
        waiting(3, owner="bob", memory_mb=60, time_limit=9000),
    ]
    assert started(plan(jobs, there)) == ["j2"]


def test_what_ends_at_the_same_moment_as_the_heads_room_comes_free_is_room_beside_it():
    there = snapshot(
        platform_mb=1000, holdings=[running(name, memory_mb=400, left=60) for name in ("cid", "dan")]
    )
    jobs = [waiting(1, memory_mb=600), waiting(2, owner="bob", memory_mb=200, time_limit=9000)]
    assert started(plan(jobs, there)) == ["j2"]


def test_what_ones_own_pool_holds_back_lets_ones_own_small_jobs_pass():
    jobs = [waiting(1, memory_mb=900), waiting(2, memory_mb=200)]
    assert started(plan(jobs, snapshot(holdings=[opened(memory_mb=500)]))) == ["j2"]


def test_where_open_servers_are_in_the_way_no_time_is_promised():
    there = snapshot(platform_mb=1000, holdings=[opened("bob", memory_mb=500)])
    (head,) = plan([waiting(1, memory_mb=900)], there)
    assert head.wait.starts_by is None


def test_what_is_overdue_changes_no_promise():
    there = snapshot(platform_mb=1000, holdings=[running("bob", memory_mb=500, left=-5)])
    (head,) = plan([waiting(1, memory_mb=900)], there)
    assert head.wait.starts_by is None
    promised = waiting(1, memory_mb=900, told=Told(starts_by=EPOCH + MINUTE))
    (head,) = plan([promised], there)
    assert head.wait.starts_by == EPOCH + MINUTE


def test_what_the_platform_can_never_hold_keeps_nobody_waiting():
    jobs = [waiting(1, memory_mb=900), waiting(2, owner="bob", memory_mb=100)]
    assert started(plan(jobs, snapshot(platform_mb=500), backfill=False)) == ["j2"]


def test_far_back_words_do_not_change_with_every_start():
    jobs = [waiting(number, memory_mb=200) for number in range(20)]
    told = words(plan(jobs, snapshot(holdings=[running(memory_mb=900)])))
    assert told["j1"].startswith("waits for 200 MB of memory: your 1 running job holds 900")
    assert told["j19"] == "waits for 200 MB of memory: your pool is full; more than 10 jobs ahead of it"


def test_a_job_takes_nothing_that_somebody_waits_for_before_a_page():
    there = snapshot(
        platform_mb=1000, holdings=[running("bob", memory_mb=500)], promised=Usage(memory_mb=450)
    )
    told = words(plan([waiting(1)], there))["j1"]
    assert "the rest is kept for those who wait for an interface" in told


def test_what_holds_the_pool_is_told():
    there = snapshot(holdings=[running(memory_mb=300), running(memory_mb=200), opened(memory_mb=200)])
    told = words(plan([waiting(1, memory_mb=400)], there))["j1"]
    assert told == (
        "waits for 400 MB of memory: your 2 running jobs and 1 open server hold 700 of your 1000 MB of memory; "
        "next in the queue"
    )


def test_who_is_held_back_by_the_head_alone_is_told_so():
    there = snapshot(platform_mb=1000, holdings=[running("cid", memory_mb=500)])
    told = words(plan([waiting(1, memory_mb=900), waiting(2, owner="bob", memory_mb=200)], there))
    assert told["j1"].startswith("waits for 900 MB of memory: 1 running job holds 500 of the platform's")
    assert told["j2"] == "waits for its turn: those ahead of it need the room first; 1 job ahead of it"


QUEUES = st.lists(
    st.tuples(
        st.sampled_from(["ann", "bob", "cid"]),
        st.integers(1, 10).map(lambda tens: tens * 100),
        st.integers(1, 8).map(lambda halves: halves / 2),
        st.integers(1, 7200),
    ),
    max_size=20,
)
HELD = st.lists(
    st.tuples(st.sampled_from(["ann", "bob"]), st.integers(1, 400), st.integers(0, 7200)), max_size=4
)
POLICIES = pytest.mark.parametrize(
    "policy", [Fifo(), SmallestFirst(), FairShare()], ids=lambda p: type(p).__name__
)


def a_queue(wishes):
    return [
        waiting(n, owner=owner, memory_mb=memory_mb, cpu=cpu, time_limit=limit)
        for n, (owner, memory_mb, cpu, limit) in enumerate(wishes)
    ]


@POLICIES
@given(wishes=QUEUES, held=HELD, platform_mb=st.integers(1000, 3000), cpu=st.integers(4, 12))
def test_a_ranking_never_starts_more_than_the_pools_hold(policy, wishes, held, platform_mb, cpu):
    jobs = a_queue(wishes)
    holdings = [running(owner, memory_mb=memory, left=left) for owner, memory, left in held]
    ranking = policy.rank(jobs, snapshot(platform_mb=platform_mb, platform_cpu=cpu, holdings=holdings))
    chosen = [job for job in jobs if job.job in started(ranking)]
    assert sorted(ranked.job for ranked in ranking) == sorted(job.job for job in jobs)
    everything = [*holdings, *chosen]
    assert not chosen or sum(one.memory_mb for one in everything) <= platform_mb
    assert not chosen or sum(one.cpu for one in everything) <= cpu
    for owner in {job.owner for job in chosen}:
        assert sum(one.memory_mb for one in everything if one.owner == owner) <= USER.memory_mb


@POLICIES
@given(
    wishes=QUEUES,
    held=HELD,
    platform_mb=st.integers(1000, 3000),
    cpu=st.integers(4, 12),
    pick=st.integers(0, 19),
)
def test_raising_the_named_limits_starts_a_job_and_raising_others_does_not(
    policy, wishes, held, platform_mb, cpu, pick
):
    holdings = [running(owner, memory_mb=memory, left=left) for owner, memory, left in held]
    there = snapshot(platform_mb=platform_mb, platform_cpu=cpu, holdings=holdings)
    jobs, there = at_rest(policy, a_queue(wishes), there)
    if not jobs:
        return
    waits = {ranked.job: ranked.wait for ranked in policy.rank(jobs, there)}
    job = sorted(waits)[pick % len(waits)]
    owner = next(one.owner for one in jobs if one.job == job)
    limits = waits[job].limits
    assert limits
    assert job in started(policy.rank(jobs, raised(there, owner, limits)))
    assert job not in started(policy.rank(jobs, with_everything_but(there, owner, limits)))


def with_everything_but(there, owner, limits):
    """Return a platform with all limits of the owner's pool and its own raised that were not named."""
    named = {(short.pool, short.limit) for short in limits}
    more = dict.fromkeys(("memory_mb", "cpu"), 10**6)
    platform = {name: value for name, value in more.items() if (PLATFORM, name) not in named}
    own = {name: value for name, value in more.items() if (owner, name) not in named}
    return raised_to(there, owner, platform, own)


def raised_to(there, owner, platform, own):
    from dataclasses import replace

    quotas = {**there.quotas, owner: replace(there.quotas[owner], **own)}
    return replace(there, platform=replace(there.platform, **platform), quotas=quotas)
