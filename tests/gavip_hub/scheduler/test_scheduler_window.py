import pytest

from gavip_hub.domain.policies import FairShare, Fifo, SmallestFirst
from gavip_hub.domain.quota import Quota
from gavip_hub.scheduler.window import FRONT, MANY, OF_EACH_USER, PATIENCE, SHARE, Window
from gavip_hub.testing import ManualClock
from tests.support.queues import snapshot, started, waiting

USERS = ["ann", "bob", *(f"user{number}" for number in range(5))]
QUOTA = Quota(memory_mb=2000, cpu=100.0)
THERE = snapshot(users=dict.fromkeys(USERS, QUOTA), platform_mb=5000)


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def window(clock):
    return Window(clock=clock)


def queue(many, *, first=0):
    numbers = range(first, first + many)
    jobs = [waiting(n, owner=USERS[n % len(USERS)], memory_mb=100 + n * 37 % 400) for n in numbers]
    return {job.job: job for job in jobs}


def learnt(window, policy, pending, *, took=0.0):
    window.learn(policy.rank(list(pending.values()), THERE), pending, took=took)


def test_a_short_queue_is_looked_at_whole(window):
    pending = queue(MANY)
    learnt(window, FairShare(), pending)
    assert window.choose(pending) == (list(pending.values()), True)


def test_of_a_long_one_only_the_front(window):
    pending = queue(MANY + 1)
    learnt(window, FairShare(), pending)
    looked_at, are_all = window.choose(pending)
    assert not are_all
    assert FRONT <= len(looked_at) <= FRONT + OF_EACH_USER * len(USERS)


def test_who_came_since_is_looked_at(window):
    pending = queue(MANY + 1)
    learnt(window, Fifo(), pending)
    new = queue(3, first=MANY + 1)
    looked_at, _ = window.choose({**pending, **new})
    assert {job.job for job in looked_at} >= new.keys()


def test_the_first_ones_of_each_user_are_looked_at(window):
    pending = {job.job: job for job in (waiting(n) for n in range(MANY + 1))}
    late = waiting(MANY + 1, owner="bob")
    pending[late.job] = late
    learnt(window, Fifo(), pending)
    assert late in window.choose(pending)[0]


def test_now_and_then_a_long_one_is_looked_at_whole(window, clock):
    pending = queue(MANY + 1)
    learnt(window, Fifo(), pending)
    clock.advance(PATIENCE)
    assert window.choose(pending) == (list(pending.values()), True)


def test_the_longer_that_takes_the_rarer_it_is(window, clock):
    pending = queue(MANY + 1)
    learnt(window, Fifo(), pending, took=2 * PATIENCE)
    clock.advance(PATIENCE)
    assert not window.choose(pending)[1]
    clock.advance(2 * SHARE * PATIENCE)
    assert window.choose(pending)[1]


@pytest.mark.parametrize("policy", [FairShare(), Fifo(), SmallestFirst()], ids=lambda one: type(one).__name__)
def test_the_front_starts_what_the_whole_queue_would(window, policy):
    pending = queue(MANY + 500)
    learnt(window, policy, pending)
    looked_at, are_all = window.choose(pending)
    assert not are_all
    whole = started(policy.rank(list(pending.values()), THERE))
    assert len(whole) > 5
    assert started(policy.rank(looked_at, THERE)) == whole
