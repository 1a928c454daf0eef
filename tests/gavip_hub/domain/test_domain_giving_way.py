"""Which idle interfaces give way: none that is used, none in vain, no more than needed, and then who waits fits."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from gavip_hub.domain.giving_way import Decision, Demand, Idle, Room, Terms, decide

TERMS = Terms(after=300, notice=90)
WHOLE = Room(4000, 8.0)
FULL = Room(0, 4.0)


def idle(name, memory_mb=500, silence=600.0, *, cpu=0.25, noticed=None):
    return Idle(name, Room(memory_mb, cpu), silence, noticed)


def wants(memory_mb=500, cpu=0.25, *, own_binds=False):
    return Demand(Room(memory_mb, cpu), own_binds)


def look(demands, interfaces, *, free=FULL, terms=TERMS):
    return decide(demands, interfaces, free=free, whole=WHOLE, terms=terms)


def test_the_longest_idle_is_told_first():
    found = look([wants()], [idle("a", silence=400), idle("b", silence=900), idle("c", silence=10)])
    assert found == Decision(notify=("b",), short_of="memory")


def test_cores_are_given_way_for_as_well():
    found = look([wants(cpu=1.0)], [idle("a", cpu=0.5), idle("b", cpu=0.5)], free=Room(900, 0.0))
    assert (found.notify, found.short_of) == (("a", "b"), "cores")


def test_a_small_one_stays_where_a_larger_one_has_to_close_anyway():
    found = look([wants(500)], [idle("small", 100, 900), idle("large", 500, 400)])
    assert found.notify == ("large",)


def test_it_closes_once_it_was_told_for_long_enough():
    assert look([wants()], [idle("a", noticed=89)]) == Decision(short_of="memory")
    assert look([wants()], [idle("a", noticed=90)]).close == ("a",)


def test_who_was_told_may_stay_when_it_is_used_or_nobody_waits_any_more():
    used = look([wants()], [idle("a", silence=3, noticed=95), idle("b")])
    assert (used.withdraw, used.notify, used.close) == (("a",), ("b",), ())
    assert look([], [idle("a", noticed=95)]).withdraw == ("a",)
    assert look([wants()], [idle("a", noticed=95)], free=Room(500, 4.0)).withdraw == ("a",)


def test_two_that_are_needed_close_together():
    found = look([wants(1000)], [idle("a", noticed=95), idle("b", noticed=20)])
    assert found == Decision(short_of="memory")
    assert look([wants(1000)], [idle("a", noticed=200), idle("b", noticed=90)]).close == ("a", "b")


def test_who_comes_to_wait_later_delays_nobody():
    found = look([wants(), wants()], [idle("a", noticed=90), idle("b", silence=400)])
    assert (found.close, found.notify) == (("a",), ("b",))


def test_nobody_gives_way_to_whom_it_would_not_help():
    assert look([wants(own_binds=True)], [idle("a")]) == Decision()
    assert look([wants(5000)], [idle("a")]) == Decision()
    assert look([wants(1500)], [idle("a"), idle("b")]).notify == ()


def test_who_waits_behind_one_that_cannot_be_helped_is_not_helped_either():
    assert look([wants(1500), wants()], [idle("a"), idle("b")]).notify == ()


def test_a_setting_of_zero_means_never():
    assert look([wants()], [idle("a", silence=10**6, noticed=95)], terms=replace(TERMS, after=0)).close == ()


ROOMS = st.builds(Room, st.integers(1, 12).map(lambda n: 100 * n), st.integers(0, 8).map(lambda n: n / 4))
DEMANDS = st.lists(st.builds(Demand, ROOMS, st.integers(0, 4).map(lambda n: n == 0)), max_size=5)
NOTICED = st.none() | st.sampled_from([0.0, 50.0, 90.0, 500.0])
INTERFACES = st.lists(
    st.tuples(ROOMS, st.sampled_from([0.0, 100.0, 300.0, 301.0, 500.0, 900.0]), NOTICED), max_size=7
).map(lambda found: [Idle(f"i{number}", *one) for number, one in enumerate(found)])
FREE = st.builds(Room, st.integers(-3, 10).map(lambda n: 100 * n), st.integers(-2, 8).map(lambda n: n / 4))


def after(some, free, interfaces):
    """Return what is free once these are closed."""
    for one in interfaces:
        if one.id in some:
            free = free.plus(one.held)
    return free


def sums(demands):
    """Return what those ask for together who can be helped: the first, the first two, and so on."""
    total, found = Room(), []
    for one in demands:
        if not one.own_binds and WHOLE.holds(one.wanted):
            total = total.plus(one.wanted)
            found.append(total)
    return found


@given(demands=DEMANDS, interfaces=INTERFACES, free=FREE)
def test_nobody_is_told_or_closed_who_is_used_or_was_not_told_for_long_enough(demands, interfaces, free):
    found = look(demands, interfaces, free=free)
    by_id = {one.id: one for one in interfaces}
    assert all(by_id[name].silence > TERMS.after for name in (*found.notify, *found.close))
    assert all(by_id[name].noticed is None for name in found.notify)
    assert all(by_id[name].noticed >= TERMS.notice for name in found.close)
    assert all(by_id[name].noticed is not None for name in found.withdraw)
    assert len({*found.notify, *found.close, *found.withdraw}) == sum(
        map(len, (found.notify, found.close, found.withdraw))
    )


@given(demands=DEMANDS, interfaces=INTERFACES, free=FREE)
def test_what_closes_lets_in_who_waits_and_none_of_it_could_stay(demands, interfaces, free):
    found = look(demands, interfaces, free=free)
    there = after(found.close, free, interfaces)
    helped = [total for total in sums(demands) if there.holds(total)]
    assert helped or not found.close
    for one in found.close:
        fewer = after(set(found.close) - {one}, free, interfaces)
        assert not fewer.holds(helped[-1])


@given(demands=DEMANDS, interfaces=INTERFACES, free=FREE)
def test_those_that_are_told_are_enough_and_none_of_them_too_many(demands, interfaces, free):
    found = look(demands, interfaces, free=free)
    staying = {one.id for one in interfaces if one.noticed is not None} - {*found.close, *found.withdraw}
    told = {*found.notify, *staying}
    free = after(found.close, free, interfaces)
    helped = [total for total in sums(demands) if after(told, free, interfaces).holds(total)]
    assert helped or not told
    for one in told:
        assert not after(told - {one}, free, interfaces).holds(helped[-1])


@given(demands=DEMANDS, interfaces=INTERFACES, free=FREE)
def test_where_nobody_touches_anything_who_can_be_helped_fits_after_one_notice(demands, interfaces, free):
    """Play it to its end: each look closes what is due, and time passes by a notice between two."""
    first = look(demands, interfaces, free=free)
    everybody = {one.id for one in interfaces if one.silence > TERMS.after}
    helped = [total for total in sums(demands) if after(everybody, free, interfaces).holds(total)]
    there = [one for one in interfaces if one.id not in first.close]
    free = after(first.close, free, interfaces)
    told = {one.id for one in there if one.noticed is not None} | {*first.notify}
    there = [one._replace(noticed=90.0 if one.id in told - {*first.withdraw} else None) for one in there]
    second = look(demands, there, free=free)
    assert second.notify == ()
    free = after(second.close, free, there)
    assert all(free.holds(total) for total in helped)
