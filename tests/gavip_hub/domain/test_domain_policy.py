"""The fifo policy: who starts, who waits, and what they are told."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from gavip_hub.domain.policy import Fifo, Snapshot, Waiting, place_in_queue
from gavip_hub.domain.quota import Quota, Usage
from gavip_hub.testing import EPOCH

USER = Quota(memory_mb=1000, cpu=10.0)


def waiting(number, *, owner="ann", memory_mb=100):
    queued_at = EPOCH + timedelta(seconds=number)
    return Waiting(job=f"j{number}", owner=owner, memory_mb=memory_mb, cpu=1.0, queued_at=queued_at)


def snapshot(*, platform_mb=10_000, used_mb=0, usages=None, owners=("ann", "bob")):
    return Snapshot(
        now=EPOCH,
        platform=Quota(memory_mb=platform_mb, cpu=100.0),
        platform_usage=Usage(memory_mb=used_mb),
        quotas=dict.fromkeys(owners, USER),
        usages=usages or {},
    )


def started(ranking):
    return [job for job, reason in ranking if not reason]


def test_the_oldest_start_first():
    jobs = [waiting(2), waiting(1), waiting(3)]
    assert started(Fifo().rank(jobs, snapshot())) == ["j1", "j2", "j3"]


def test_no_more_start_than_fit():
    jobs = [waiting(n) for n in range(5)]
    ranking = Fifo().rank(jobs, snapshot(platform_mb=250))
    assert started(ranking) == ["j0", "j1"]


def test_one_person_at_their_limit_does_not_hold_back_another():
    jobs = [waiting(1, memory_mb=600), waiting(2, memory_mb=600), waiting(3, owner="bob")]
    ranking = dict(Fifo().rank(jobs, snapshot()))
    assert ranking == {
        "j1": "",
        "j2": "needs 600 MB of memory; your pool has 400 of 1000 free; next in the queue",
        "j3": "",
    }


def test_a_large_job_is_not_overtaken_by_small_ones_for_ever():
    jobs = [waiting(1, memory_mb=900), waiting(2, owner="bob", memory_mb=10)]
    ranking = dict(Fifo().rank(jobs, snapshot(platform_mb=1000, used_mb=500)))
    assert ranking["j1"] == "needs 900 MB of memory; the platform has 500 of 1000 free; next in the queue"
    assert ranking["j2"] == "waits for a larger job that came before it; 1 job ahead of it"


def test_a_job_takes_nothing_that_somebody_waits_for_before_a_page():
    there = replace(snapshot(platform_mb=1000, used_mb=500), promised=Usage(memory_mb=600))
    ranking = dict(Fifo().rank([waiting(1)], there))
    words = (
        "needs 100 MB of memory; the platform has 500 of 1000 free, for which somebody waits who came before"
    )
    assert ranking["j1"] == f"{words}; next in the queue"


def test_usage_of_the_owner_counts():
    ranking = Fifo().rank([waiting(1, memory_mb=600)], snapshot(usages={"ann": Usage(memory_mb=500)}))
    assert started(ranking) == []


def test_far_back_the_place_is_told_roughly():
    assert place_in_queue(1) == "next in the queue"
    assert place_in_queue(11) == "10 jobs ahead of it"
    assert place_in_queue(12) == "more than 10 jobs ahead of it"
    assert place_in_queue(451) == "more than 400 jobs ahead of it"


@given(
    st.lists(st.tuples(st.sampled_from(["ann", "bob"]), st.integers(32, 1200)), max_size=30),
    st.integers(0, 3000),
)
def test_a_ranking_never_starts_more_than_the_pools_hold(wishes, platform_mb):
    jobs = [waiting(n, owner=owner, memory_mb=memory) for n, (owner, memory) in enumerate(wishes)]
    ranking = Fifo().rank(jobs, snapshot(platform_mb=platform_mb))
    chosen = set(started(ranking))
    assert sorted(job for job, _ in ranking) == sorted(job.job for job in jobs)
    assert sum(job.memory_mb for job in jobs if job.job in chosen) <= platform_mb
    for owner in ("ann", "bob"):
        assert (
            sum(job.memory_mb for job in jobs if job.job in chosen and job.owner == owner) <= USER.memory_mb
        )
