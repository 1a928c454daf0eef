"""Who waits for room to open an interface: first come, first served, and a reason that is true in numbers."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import assume, example, given
from hypothesis import strategies as st

from gavip_hub.domain.experience import OPEN_SERVER, Experience
from gavip_hub.domain.quota import PLATFORM, Quota, Usage
from gavip_hub.domain.rooms import Applicant, Rooms, in_turn
from gavip_hub.domain.waits import Pool
from gavip_hub.testing import EPOCH
from tests.support.queues import opened as opened_server
from tests.support.queues import running

OWNERS = ("ann", "bob", "cid")


def applicant(number, owner="ann", memory_mb=300, cpu=1.0, *, holds_up=True):
    return Applicant(f"r{number}", owner, memory_mb, cpu, holds_up)


def limits(*, platform_mb=1000, platform_cpu=8.0, own_mb=1000, own_cpu=8.0):
    own = Quota(memory_mb=own_mb, cpu=own_cpu)
    return {PLATFORM: Quota(memory_mb=platform_mb, cpu=platform_cpu), **dict.fromkeys(OWNERS, own)}


def look(applicants, held, quotas):
    """Go through the queue once; `held` is owner, MB and cores of what is open."""
    pools = {name: Pool(name, quota, used=used(held, name)) for name, quota in quotas.items()}
    return in_turn(applicants, platform=pools[PLATFORM], pools=pools)


def used(held, name):
    own = [(memory_mb, cpu) for owner, memory_mb, cpu in held if name in (PLATFORM, owner)]
    memory_mb, cpu = sum(one[0] for one in own), sum(one[1] for one in own)
    return Usage(memory_mb=memory_mb, cpu=cpu, servers=len(own))


def opened(answers):
    return [name for name, wait in answers.items() if wait is None]


def test_who_fits_opens_and_who_does_not_is_told_the_numbers():
    answers = look([applicant(1), applicant(2, memory_mb=400)], [("bob", 400, 1.0)], limits())
    assert opened(answers) == ["r1"]
    assert answers["r2"].words_of("interface") == (
        "waits for 400 MB of memory: 2 open servers hold 700 of the platform's 1000 MB of memory; next in the queue"
    )


def test_who_came_later_waits_until_the_first_one_fits():
    answers = look([applicant(1, "bob", 900), applicant(2)], [("cid", 400, 1.0)], limits())
    assert answers["r2"].words_of("interface") == (
        "waits for its turn: those ahead of it need the room first; 1 interface ahead of it"
    )
    assert [short.needed for short in answers["r2"].limits] == [400 + 900 + 300]


def test_whose_page_is_closed_or_whose_own_pool_is_full_lets_others_pass():
    closed = look([applicant(1, "bob", 900, holds_up=False), applicant(2)], [("cid", 400, 1.0)], limits())
    assert opened(closed) == ["r2"]
    full = look([applicant(1, "bob", 700), applicant(2)], [("bob", 400, 1.0)], limits(platform_mb=2000))
    assert opened(full) == ["r2"]


def test_what_the_platform_can_never_hold_keeps_nobody_waiting():
    quotas = limits() | {"bob": Quota(memory_mb=5000, cpu=8.0)}
    assert opened(look([applicant(1, "bob", 1100), applicant(2)], [], quotas)) == ["r2"]


def rooms(applicants, holdings):
    quotas = limits()
    return Rooms(
        now=EPOCH, platform=quotas.pop(PLATFORM), quotas=quotas, holdings=holdings, applicants=applicants
    )


HOUR = Experience(runs={"stars/plot": [3660.0], OPEN_SERVER: [5400.0]})
"""What ran for an hour already runs for a minute more; what is open for an hour, for half of one."""


def test_an_interface_opens_when_the_job_in_its_way_has_run_as_long_as_its_like():
    job = replace(running("bob", memory_mb=800, left=7200), pipeline="stars/plot")
    assert rooms([applicant(1)], [job]).opens_at("r1", HOUR) == EPOCH + timedelta(minutes=1)


def test_who_is_ahead_takes_the_room_first_and_stays_as_long_as_others_did():
    job = replace(running("bob", memory_mb=800, left=7200), pipeline="stars/plot")
    queue = rooms([applicant(1, "bob", 900), applicant(2)], [job])
    assert queue.opens_at("r2", HOUR) == EPOCH + timedelta(minutes=1 + 90)


def test_where_nobody_knows_when_a_server_is_closed_nothing_is_told():
    there = [opened_server("bob", memory_mb=800)]
    assert rooms([applicant(1)], there).opens_at("r1", Experience()) is None
    assert rooms([applicant(1)], there).opens_at("r1", HOUR) == EPOCH + timedelta(minutes=30)


QUEUES = st.lists(
    st.tuples(st.sampled_from(OWNERS), st.integers(1, 10), st.integers(1, 8), st.booleans()),
    min_size=1,
    max_size=8,
)
HELD = st.lists(st.tuples(st.sampled_from(OWNERS), st.integers(1, 400), st.integers(0, 2)), max_size=5)


@given(
    wishes=QUEUES,
    held=HELD,
    platform_mb=st.integers(1000, 3000),
    cpu=st.integers(4, 12),
    pick=st.integers(0, 7),
)
@example(
    # With more room bob's first opens, his second then does not, and his third, which his pool held back, does.
    wishes=[
        ("bob", 2, 7, False),
        ("bob", 9, 1, False),
        ("ann", 1, 1, False),
        ("ann", 1, 1, False),
        ("bob", 2, 2, False),
        ("ann", 1, 1, False),
    ],
    held=[("ann", 1, 1)],
    platform_mb=1000,
    cpu=4,
    pick=4,
)
def test_raising_exactly_the_named_limits_opens_it_and_raising_others_does_not(
    wishes, held, platform_mb, cpu, pick
):
    queue = [
        applicant(number, owner, 100 * hundreds, halves / 2, holds_up=holds_up)
        for number, (owner, hundreds, halves, holds_up) in enumerate(wishes)
    ]
    quotas = limits(platform_mb=platform_mb, platform_cpu=cpu)
    waits = {name: wait for name, wait in look(queue, held, quotas).items() if wait}
    assume(waits)
    name = sorted(waits)[pick % len(waits)]
    named = {(short.pool, short.limit): short.needed for short in waits[name].limits}
    assert named
    assert name in opened(look(queue, held, raised(quotas, named)))
    owner = queue[int(name[1:])].owner
    others = {(pool, limit): 10**6 for pool in (owner, PLATFORM) for limit in ("memory_mb", "cpu")}
    spared = {key: value for key, value in others.items() if key not in named}
    assert name not in opened(look(queue, held, raised(quotas, spared)))


@given(wishes=QUEUES, held=HELD, platform_mb=st.integers(1000, 3000))
def test_no_pool_ever_holds_more_than_it_may(wishes, held, platform_mb):
    queue = [
        applicant(number, owner, 100 * hundreds, halves / 2, holds_up=holds_up)
        for number, (owner, hundreds, halves, holds_up) in enumerate(wishes)
    ]
    quotas = limits(platform_mb=platform_mb)
    new = opened(look(queue, held, quotas))
    after = [*held, *((one.owner, one.memory_mb, one.cpu) for one in queue if one.id in new)]
    for owner in {one.owner for one in queue if one.id in new}:
        for name in (owner, PLATFORM):
            assert used(after, name).memory_mb <= quotas[name].memory_mb
            assert used(after, name).cpu <= quotas[name].cpu


def raised(quotas, limits):
    """Return these pools with some limits raised."""
    found = dict(quotas)
    for (pool, limit), value in limits.items():
        found[pool] = replace(found[pool], **{limit: value})
    return found
