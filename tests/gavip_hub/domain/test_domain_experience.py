"""How long jobs will probably run, and how far estimates are off."""

from datetime import timedelta

from gavip_hub.domain.experience import (
    FEWEST_WAITS,
    OPEN_SERVER,
    Accuracy,
    Experience,
    accuracy_of,
    ratio_of,
)
from gavip_hub.testing import EPOCH

KNOWN = Experience(runs={"stars/plot": [50, 60, 70]}, parts=[0.1, 0.2, 0.3, 0.4, 0.5])


def test_a_job_is_expected_to_run_as_long_as_the_middle_one_of_its_pipeline():
    assert KNOWN.seconds("stars/plot", 3600) == 60
    assert KNOWN.seconds("stars/plot", 55) == 55


def test_one_that_runs_already_is_compared_with_those_that_ran_as_long():
    assert KNOWN.seconds("stars/plot", 3600, ran=65) == 70
    assert KNOWN.seconds("stars/plot", 3600, ran=100) == 120
    assert KNOWN.seconds("stars/plot", 110, ran=100) == 110


def test_of_what_never_ran_the_time_limit_tells_a_little():
    assert KNOWN.seconds("stars/new", 1000) == 300
    assert KNOWN.seconds("stars/new", 1000, ran=450) == 500
    assert Experience().seconds("stars/new", 1000) == 1000


def test_nobody_knows_how_long_a_server_stays_open_unless_others_were_closed():
    assert KNOWN.seconds(OPEN_SERVER, None) is None
    assert Experience(runs={OPEN_SERVER: [600.0]}).seconds(OPEN_SERVER, None) == 600


def test_before_many_waits_are_over_estimates_are_wide():
    assert accuracy_of([1.0] * (FEWEST_WAITS - 1)) == Accuracy()


def test_of_ten_waits_one_was_shorter_and_one_longer_than_is_told():
    found = accuracy_of([number / 10 for number in range(101)])
    assert (found.early, found.middle, found.late) == (1.0, 5.0, 9.0)
    minute = timedelta(minutes=1)
    assert found.around(EPOCH, EPOCH + minute) == (EPOCH + minute, EPOCH + 5 * minute, EPOCH + 9 * minute)


def test_seconds_of_the_scheduler_itself_count_as_no_error():
    assert ratio_of(timedelta(0), timedelta(seconds=9)) == 1.0
