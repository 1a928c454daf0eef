"""Quotas add up by group, and a shortage names the limit that stands in the way."""

import pytest

from gavip_hub.domain.container import Kind
from gavip_hub.domain.quota import PLATFORM, Quota, Usage, Want, quota_for, shortage

DEFAULT = {"memory_mb": 1000, "cpu": 2.0, "jobs": 5, "servers": 2}
QUOTA = Quota(memory_mb=1000, cpu=2.0, jobs=5, servers=2)


def want(memory_mb=100, cpu=1.0, kind=Kind.JOB):
    return Want(kind=kind, memory_mb=memory_mb, cpu=cpu)


def test_groups_grant_on_top_of_the_default():
    grants = {"gaia": {"memory_mb": 500, "cpu": 1.0}, "staff": {"memory_mb": 24}}
    assert quota_for(["gaia", "staff", "other"], DEFAULT, grants) == Quota(
        memory_mb=1524, cpu=3.0, jobs=5, servers=2
    )


def test_a_group_counts_once():
    assert quota_for(["a", "a"], DEFAULT, {"a": {"jobs": 1}}).jobs == 6


def test_a_limit_that_the_default_leaves_open_stays_open():
    default = {"memory_mb": 1000, "cpu": 2.0}
    assert quota_for(["a"], default, {"a": {"jobs": 1}}).jobs is None


def test_what_fills_the_pool_to_the_brim_fits():
    assert shortage("ann", want(memory_mb=400), QUOTA, Usage(memory_mb=600, cpu=1.0)) is None


@pytest.mark.parametrize(
    ("wanted", "usage", "limit"),
    [
        (want(memory_mb=401), Usage(memory_mb=600), "memory_mb"),
        (want(cpu=1.5), Usage(cpu=1.0), "cpu"),
        (want(kind=Kind.INTERFACE), Usage(servers=2), "servers"),
        (want(kind=Kind.RESERVATION), Usage(servers=2), "servers"),
    ],
)
def test_the_binding_limit_is_named(wanted, usage, limit):
    assert shortage("ann", wanted, QUOTA, usage).limit == limit


def test_jobs_do_not_count_as_servers():
    assert shortage("ann", want(), QUOTA, Usage(servers=2)) is None


def test_sums_of_tenths_of_cores_are_no_shortage():
    usage = Usage(cpu=sum([0.1] * 19))
    assert shortage("ann", want(cpu=0.1), QUOTA, usage) is None


def test_the_words_have_numbers_and_units():
    short = shortage("ann", want(memory_mb=400), QUOTA, Usage(memory_mb=700, jobs=1, servers=2))
    assert short.words == (
        "waits for 400 MB of memory: your 1 running job and 2 open servers hold 700 of your 1000 MB of memory"
    )
    short = shortage(PLATFORM, want(cpu=1.5), QUOTA, Usage(cpu=1.0, servers=1))
    assert short.words == "waits for 1.5 cores: 1 open server holds 1 of the platform's 2 cores"
