"""How often Python looks for objects that only refer to one another."""

import gc

import pytest

from gavip_hub import garbage


@pytest.fixture
def as_before():
    thresholds = gc.get_threshold()
    yield thresholds
    gc.unfreeze()
    gc.set_threshold(*thresholds)


def test_the_service_looks_less_often_than_python_by_itself(as_before):
    garbage.look_seldom()
    assert gc.get_threshold()[0] > 10 * as_before[0]
    assert gc.get_freeze_count() > 0


def test_what_only_refers_to_itself_is_still_found(as_before):
    garbage.look_seldom()
    circle = []
    circle.append(circle)
    del circle
    assert gc.collect() > 0
