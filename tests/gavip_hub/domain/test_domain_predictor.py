"""What past runs tell of a job's memory."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gavip_hub.domain.memory import more_after
from gavip_hub.domain.predictor import FEWEST_RUNS, NEWEST_RUNS, PastRun, Predictor, Traits, coarse

POOL = 16_384
AUTHOR = 1000


def run(peak, *, asked=POOL, killed=False, author=0, **traits):
    return PastRun(peak_mb=peak, asked_mb=asked, is_killed=killed, author_mb=author, traits=Traits(**traits))


def proposed(runs, *, author=AUTHOR, most=POOL, **traits):
    return Predictor(runs).propose(Traits(**traits), author_mb=author, most_mb=most)


def test_of_what_never_ran_the_author_knows_best():
    assert proposed([]) is None


def test_a_few_runs_never_lower_the_authors_figure_but_raise_it():
    assert proposed([run(100)] * (FEWEST_RUNS - 1)) is None
    assert proposed([run(2000)]) == coarse(2400)


def test_enough_runs_lower_it_to_what_they_needed_and_a_margin():
    assert proposed([run(100)] * FEWEST_RUNS) == coarse(120)
    assert 100 < proposed([run(100)] * 20) <= coarse(110)


def test_what_was_needed_long_ago_is_forgotten():
    assert proposed([run(900)] * 10 + [run(100)] * NEWEST_RUNS) <= coarse(120)


def test_memory_that_grows_is_followed():
    growing = [run(100 * 1.03**number) for number in range(60)]
    assert growing[-1].peak_mb * 1.03 <= proposed(growing) <= growing[-1].peak_mb * 1.3


def test_a_spike_among_many_runs_is_not_paid_for_by_all():
    assert proposed([run(100)] * 20 + [run(900)] + [run(100)] * 39) <= coarse(120)


def test_with_two_modes_most_runs_get_enough():
    assert proposed([run(700 if number % 3 == 0 else 100) for number in range(30)]) >= 700


def test_an_author_who_was_right_so_far_keeps_the_last_word():
    def scattered(author):
        return [run(250 if number % 2 else 50, author=author) for number in range(30)]

    assert proposed(scattered(255), author=255) is None
    assert proposed(scattered(200), author=200) > 250
    assert proposed(scattered(900), author=900) < 300


def test_memory_follows_the_number_that_tells_of_it_and_no_other():
    runs = [run(100 + 50 * n, numbers={"radius": n, "bins": 7 * n % 11}) for n in range(1, 31)]
    small, large = (proposed(runs, numbers={"radius": n, "bins": 3}) for n in (2, 28))
    assert 200 <= small <= 280
    assert 1500 <= large <= 1900


def test_a_number_that_came_with_a_later_release_is_followed_too():
    older = [run(100, numbers={"bins": 7 * n % 11}) for n in range(12)]
    newer = [run(100 + 50 * n, numbers={"radius": n, "bins": 7 * n % 11}) for n in range(1, 31)]
    assert proposed(older + newer, numbers={"radius": 2, "bins": 3}) <= 280


@pytest.mark.parametrize("many", range(54, 60))
def test_a_number_that_comes_back_when_all_runs_that_had_it_are_forgotten_tells_nothing(many):
    telling = [run(100 + 50 * n, numbers={"radius": n}) for n in range(1, 12)]
    killed = [run(1000, asked=1000, killed=True, numbers={"radius": 50})] * many
    without = [run(1000, asked=1000, killed=True)] * NEWEST_RUNS + [run(1000)] * FEWEST_RUNS
    assert proposed([*telling, *killed, *without, telling[0]], numbers={"radius": 2}) >= 1000


def test_memory_follows_the_choice_that_tells_of_it():
    kinds = [{"target": name, "labels": number % 2} for number in range(15) for name in ("near", "far")]
    runs = [run(900 if kind["target"] == "far" else 100, kinds=kind) for kind in kinds]
    assert proposed(runs, kinds={"target": "near", "labels": 0}) <= coarse(120)
    assert proposed(runs, kinds={"target": "far", "labels": 0}) >= 900


@pytest.mark.parametrize("traits", [{"numbers": {"radius": 9.0}}, {"kinds": {"target": "M31"}}])
def test_what_nothing_like_it_ran_before_gets_no_less_than_its_author_says(traits):
    runs = [run(100, numbers={"radius": 1.0 + n % 3}, kinds={"target": "M33"}) for n in range(10)]
    known = {"numbers": {"radius": 2.0}, "kinds": {"target": "M33"}}
    assert proposed(runs, **known) <= coarse(120)
    runs += [run(100 + n, numbers={"radius": 1.0 + n}, kinds={"target": "M33"}) for n in range(5)]
    assert proposed(runs, **known | traits) is None


def test_a_number_that_has_not_varied_lately_lays_no_line():
    runs = [run(100 + n, numbers={"radius": float(n)}) for n in range(10)]
    runs += [run(105, numbers={"radius": 5.0}) for _ in range(40)]
    assert 105 <= proposed(runs, numbers={"radius": 5.0}) <= coarse(130)


def test_a_number_that_tells_nothing_is_never_new():
    runs = [run(100 + n % 2, numbers={"seed": (7 * n) % 20}) for n in range(20)]
    assert proposed(runs, numbers={"seed": 10**6}) <= coarse(130)


def test_a_killed_run_needed_more_than_it_had():
    assert proposed([run(100)] * 10 + [run(512, asked=512, killed=True)] * 5) >= 768


def test_runs_that_were_killed_with_little_make_no_proposal_smaller():
    killed = [run(32, asked=32, killed=True)] * 20
    assert proposed(killed) is None
    assert proposed([run(700)] * 10 + killed) == proposed([run(700)] * 10)


def test_runs_that_fill_whatever_they_get_do_not_ask_for_more_each_time():
    runs = [run(100, asked=100) for _ in range(10)]
    assert proposed(runs) == coarse(100)


def test_the_most_is_told_rounded_up():
    assert Predictor([run(1010), run(300)]).most_mb == 1024
    assert Predictor().most_mb == 0


@pytest.mark.parametrize(
    ("exact", "told"), [(0, 0), (1, 1), (31.2, 32), (100, 100), (101, 104), (1100, 1152)]
)
def test_sizes_are_rounded_up_coarsely(exact, told):
    assert coarse(exact) == told


MADE = st.lists(
    st.tuples(st.floats(1, 10_000), st.booleans(), st.floats(-100, 100), st.sampled_from("ab")), max_size=30
)
QUICK = settings(max_examples=60, deadline=None)


def runs_of(made):
    return [
        run(peak, asked=round(peak) + 1, killed=killed, numbers={"n": number}, kinds={"k": kind})
        for peak, killed, number, kind in made
    ]


@QUICK
@given(MADE, st.integers(1, 20_000), st.floats(-200, 200), st.sampled_from("abc"))
def test_no_proposal_is_above_the_pool_or_differs_the_next_time(made, most, number, kind):
    asked = {"numbers": {"n": number}, "kinds": {"k": kind}, "most": most}
    first, again = proposed(runs_of(made), **asked), proposed(runs_of(made), **asked)
    assert first == again
    assert first is None or 0 < first <= most


@QUICK
@given(st.lists(st.floats(100, 1000), min_size=FEWEST_RUNS, max_size=40))
def test_without_parameters_a_proposal_lies_between_what_most_runs_needed_and_a_little_more_than_all(peaks):
    found = proposed([run(peak) for peak in peaks])
    assert sorted(peaks)[len(peaks) // 2] <= found <= coarse(1.2 * max(peaks))


@given(st.integers(32, 10_000), st.floats(1, 20_000) | st.none())
def test_each_attempt_after_a_kill_gets_more_until_the_pool_is_reached(asked, peak):
    sizes = [asked]
    while (more := more_after(sizes[-1], peak_mb=peak, most_mb=POOL)) and len(sizes) < 50:
        sizes.append(more)
    assert sizes == sorted(set(sizes))
    assert sizes[-1] == max(asked, POOL)
