"""A leak goes on; a cache fills and is full."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avi_kernel.checking.leaks import FLAT, MOST_ROUNDS, WARM_UP, growth, is_settled, leak_of


def rounds(*steps: float) -> list[float]:
    """Return what is held after each round, as a check would go on asking for."""
    held = [100.0]
    for step in steps:
        if is_settled(held):
            break
        held.append(held[-1] + step)
    return held


def test_steady_growth_is_a_leak_of_so_much_a_round():
    assert leak_of(rounds(*[2.0] * 40)) == pytest.approx(2.0)


def test_a_cache_that_is_filled_by_the_first_round_is_none():
    assert leak_of(rounds(50, *[0.02] * 40)) is None


def test_a_cache_that_fills_over_many_rounds_is_none():
    assert leak_of(rounds(*[5.0] * 8, *[0.0] * 40)) is None


def test_a_list_whose_room_doubles_now_and_then_is_none():
    assert leak_of(rounds(1, 0, 2, 0, 0, 4, 0, 0, 0, 0, 8, *[0] * 40)) is None


def test_a_leak_that_is_collected_now_and_then_and_comes_back_higher_is_told():
    assert leak_of(rounds(*[4, 4, 4, -3] * 10)) is not None


def test_the_rounds_end_soon_where_nothing_grows():
    assert len(rounds(*[0.0] * 40)) == WARM_UP + FLAT


def test_a_large_leak_is_clear_before_it_fills_the_machine():
    held = rounds(*[150.0] * 40)
    assert len(held) < 8
    assert leak_of(held) == pytest.approx(150)


def test_too_few_rounds_tell_nothing():
    assert leak_of([100, 110, 120, 130]) is None
    assert leak_of([]) is None


@given(st.lists(st.floats(-50, 50), max_size=60))
def test_the_rounds_always_end(steps):
    assert len(rounds(*steps, *[1.0] * 40)) <= MOST_ROUNDS


@given(st.floats(0, 400), st.lists(st.floats(-5, 0.4), min_size=30, max_size=30))
def test_what_hardly_grows_is_never_a_leak(first, steps):
    held = rounds(first, *steps)
    assert not any(each >= 0.5 for each in growth(held))
    assert leak_of(held) is None
