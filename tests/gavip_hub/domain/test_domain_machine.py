"""Policies and the count of pools under a great many events in random orders, and under streams without end."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gavip_hub.domain.policies import PATIENCE, FairShare, Fifo, SmallestFirst
from gavip_hub.domain.quota import Quota
from gavip_hub.domain.simulation import World
from gavip_hub.domain.traces import Arrival
from tests.support.turns import Turns
from tests.support.walks import PURE_EVENTS, STREAMS, walk_and_tell

PLATFORM = Quota(memory_mb=1000, cpu=8.0)
USER = PLATFORM
"""So that a stream fills the platform, and not its owner's pool alone."""
LONGEST = 600
"""Seconds that a job of a stream may run."""
STREAM_SECONDS = 30_000
"""Longer than anybody has patience."""


@pytest.mark.timeout(3600)
def test_whatever_happens_no_pool_is_exceeded_no_job_is_lost_and_nobody_starves(
    request: pytest.FixtureRequest,
) -> None:
    count = walk_and_tell(request, Turns, "policies and pools", events=PURE_EVENTS, steps=100)
    assert {"submit", "start", "end", "cancel", "fail", "restart", "policy", "limits"} <= count.keys()


KINDS = st.lists(
    st.tuples(
        st.sampled_from(["bob", "cid"]), st.integers(8, 11), st.integers(450, LONGEST), st.integers(9, 10)
    ),
    min_size=1,
    max_size=10,
)
"""Owner, fifties of MB, seconds that it may run, and tenths of them that it does."""
OWN = st.tuples(st.integers(1500, 4000), st.sampled_from([1, 12]), st.integers(1, LONGEST))
"""When it comes, fifties of MB, seconds."""


def arrival(job, owner, at, fifties, limit, tenths):
    return Arrival(
        job=job,
        owner=owner,
        pipeline="stars/plot",
        at=float(at),
        memory_mb=fifties * 50,
        cpu=0.5,
        runs=limit * tenths / 10,
        time_limit=limit,
    )


def stream(kinds):
    """Return jobs of others, one every two minutes: twice as many as the platform can run, or more."""
    return [
        arrival(f"j{number:04d}", owner, number * 120, fifties, limit, tenths)
        for number in range(STREAM_SECONDS // 120)
        for owner, fifties, limit, tenths in [kinds[number % len(kinds)]]
    ]


def most_waiting(policy, jobs, own):
    """Return the seconds within which a job's turn comes, whoever comes later."""
    before = sum(job.time_limit for job in jobs if job.at <= own.at)
    bounds = {"Fifo": before, "SmallestFirst": PATIENCE.total_seconds() + before, "FairShare": 2 * LONGEST}
    return bounds[type(policy).__name__]


@pytest.mark.parametrize("policy", [Fifo(), SmallestFirst(), FairShare()], ids=lambda p: type(p).__name__)
@settings(max_examples=STREAMS, deadline=None)
@given(kinds=KINDS, asked=OWN)
def test_a_stream_of_others_jobs_overtakes_nobody_for_ever(policy, kinds, asked):
    at, fifties, limit = asked
    jobs, own = stream(kinds), arrival("own", "ann", at, fifties, limit, 10)
    world = World(policy, platform=PLATFORM, quota=USER, every=1.0, started=lambda _count: None)
    world.run(sorted([*jobs, own], key=lambda one: (one.at, one.job)))
    assert world.violations == 0
    assert world.runs["own"].wait <= most_waiting(policy, jobs, own)
