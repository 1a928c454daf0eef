"""The simulator runs the scheduler's own policies on traces, and tells how everybody fared."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gavip_hub.domain.policies import FairShare, Fifo, SmallestFirst
from gavip_hub.domain.quota import Quota
from gavip_hub.domain.simulation import simulate
from gavip_hub.domain.traces import Arrival, BadTrace, made_trace, read_trace, write_trace

PLATFORM = Quota(memory_mb=1000, cpu=8.0)
USER = Quota(memory_mb=600, cpu=8.0)


def arrival(number, at=0.0, *, owner="ann", memory_mb=500, runs=100.0, **more):
    values = {"cpu": 1.0, "time_limit": 1000, **more}
    return Arrival(
        job=f"j{number}", owner=owner, pipeline="stars/plot", at=at, memory_mb=memory_mb, runs=runs, **values
    )


def run(trace, policy=None, **more):
    return simulate(trace, policy or Fifo(), platform=PLATFORM, quota=USER, **more)


def test_jobs_that_fit_start_at_once():
    report = run([arrival(1), arrival(2, owner="bob")])
    assert (report.wait_p95, report.slowdown_p95, report.jain, report.violations) == (0.0, 1.0, 1.0, 0)
    assert report.memory_used == pytest.approx(1.0)


def test_a_job_starts_when_what_was_in_its_way_has_ended():
    report = run([arrival(1), arrival(2)])
    assert report.longest_wait == 100.0
    assert report.slowdown_p95 > 1.9


def test_nothing_runs_for_longer_than_its_limit():
    report = run([arrival(1, runs=10_000.0, time_limit=50), arrival(2)])
    assert report.longest_wait == 50.0


def test_fair_share_keeps_the_users_of_a_full_platform_waiting_alike():
    many = [arrival(n, 0.0, owner="ann", runs=50.0) for n in range(40)]
    few = [
        arrival(100 + n, 10.0 + n, owner=owner, runs=50.0) for n, owner in enumerate(("bob", "cid", "dan"))
    ]
    narrow = Quota(memory_mb=500, cpu=8.0)
    fair, fifo = (
        simulate([*many, *few], policy, platform=narrow, quota=USER) for policy in (FairShare(), Fifo())
    )
    assert fair.jain > fifo.jain
    assert fair.slowdown_p50 <= fifo.slowdown_p50


def test_the_same_seed_makes_the_same_trace():
    asked = {"users": 5, "days": 0.2, "platform": PLATFORM, "quota": USER}
    assert made_trace(seed=3, **asked) == made_trace(seed=3, **asked)
    assert made_trace(seed=3, **asked) != made_trace(seed=4, **asked)


def test_a_trace_is_read_as_it_was_written():
    trace = made_trace(users=3, days=0.1, platform=PLATFORM, quota=USER)
    file = io.StringIO()
    write_trace(trace, file)
    file.seek(0)
    assert read_trace(file) == trace


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("job,owner\n", "no column pipeline, at, memory_mb"),
        ("job,owner,pipeline,at,memory_mb,cpu,runs,time_limit\nj,ann,p,-1,1,1,1,1\n", "line 2"),
        ("job,owner,pipeline,at,memory_mb,cpu,runs,time_limit\nj,ann,p,0,much,1,1,1\n", "line 2"),
        ("job,owner,pipeline,at,memory_mb,cpu,runs,time_limit\nj,ann,p,0,1,1\n", "line 2"),
    ],
)
def test_a_table_that_is_no_trace_is_refused_by_line(text, words):
    with pytest.raises(BadTrace, match=words):
        read_trace(io.StringIO(text))


TRACES = st.lists(
    st.builds(
        lambda owner, at, memory, cpu, runs, factor: (
            owner,
            at,
            memory * 50,
            cpu / 2,
            runs,
            int(runs * factor) + 1,
        ),
        st.sampled_from(["ann", "bob", "cid"]),
        st.integers(0, 500),
        st.integers(1, 12),
        st.integers(1, 16),
        st.integers(1, 300),
        st.floats(1.0, 4.0),
    ),
    min_size=2,
    max_size=30,
)


@pytest.mark.parametrize("policy", [Fifo(), SmallestFirst(), FairShare()], ids=lambda p: type(p).__name__)
@given(trace=TRACES)
def test_no_pool_is_exceeded_and_the_head_starts_in_time(policy, trace):
    arrivals = [
        arrival(n, at, owner=owner, memory_mb=memory, cpu=cpu, runs=runs, time_limit=limit)
        for n, (owner, at, memory, cpu, runs, limit) in enumerate(sorted(trace))
    ]
    report = run(sorted(arrivals, key=lambda one: one.at), policy, every=0.0)
    assert report.violations == 0
    assert report.jobs == len(trace)
