"""The policies: who comes first."""

from datetime import timedelta

from gavip_hub.domain.policies import PATIENCE, FairShare, Fifo, SmallestFirst
from gavip_hub.domain.waits import Told
from gavip_hub.testing import EPOCH
from tests.support.queues import running, snapshot, started, waiting


def order(policy, jobs, there=None):
    return [ranked.job for ranked in policy.rank(jobs, there or snapshot())]


def test_fifo_starts_the_oldest_first():
    assert started(Fifo().rank([waiting(2), waiting(1), waiting(3)], snapshot())) == ["j1", "j2", "j3"]


def test_fifo_lets_nobody_pass_whom_the_platform_holds_back():
    jobs = [waiting(1, memory_mb=900), waiting(2, owner="bob", memory_mb=10, time_limit=1)]
    there = snapshot(platform_mb=1000, holdings=[running("cid", memory_mb=500)])
    assert started(Fifo().rank(jobs, there)) == []


def test_smallest_first_starts_the_smallest_first():
    jobs = [waiting(1, memory_mb=300), waiting(2, memory_mb=100), waiting(3, memory_mb=200)]
    assert order(SmallestFirst(), jobs) == ["j2", "j3", "j1"]


def test_with_smallest_first_who_waited_for_long_comes_before_everybody():
    old = waiting(1, memory_mb=900, queued_at=EPOCH - PATIENCE)
    assert order(SmallestFirst(), [waiting(2), old]) == ["j1", "j2"]


def test_fair_share_starts_those_first_who_used_least():
    jobs = [waiting(1, owner="ann"), waiting(2, owner="bob")]
    assert order(FairShare(), jobs, snapshot(spent={"ann": 50.0})) == ["j2", "j1"]


def test_fair_share_lets_users_take_turns():
    jobs = [*(waiting(n, owner="ann") for n in range(3)), *(waiting(n, owner="bob") for n in range(3, 6))]
    assert order(FairShare(), jobs) == ["j0", "j3", "j1", "j4", "j2", "j5"]


def test_a_start_counts_before_it_has_used_anything():
    new = running("ann", memory_mb=500)
    just_started = type(new)(**{name: getattr(new, name) for name in new.__slots__} | {"since": EPOCH})
    jobs = [waiting(1, owner="ann"), waiting(2, owner="bob")]
    assert order(FairShare(), jobs, snapshot(holdings=[just_started])) == ["j2", "j1"]


def test_waiting_makes_good_what_was_used():
    old = waiting(1, owner="ann", queued_at=EPOCH - timedelta(hours=1))
    assert order(FairShare(), [old, waiting(2, owner="bob")], snapshot(spent={"ann": 300.0})) == ["j1", "j2"]


def test_a_large_job_costs_more_than_a_small_one():
    jobs = [
        waiting(1, owner="ann", memory_mb=900),
        waiting(2, owner="bob", memory_mb=10),
        waiting(3, owner="ann", memory_mb=10),
        waiting(4, owner="bob", memory_mb=10),
    ]
    assert order(FairShare(), jobs) == ["j1", "j2", "j4", "j3"]


def test_a_promise_is_kept_whoever_would_be_first_now():
    promised = waiting(1, owner="ann", told=Told(starts_by=EPOCH + timedelta(minutes=5)))
    assert order(FairShare(), [promised, waiting(2, owner="bob")], snapshot(spent={"ann": 1e6})) == [
        "j1",
        "j2",
    ]
