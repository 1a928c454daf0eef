"""The check job runs these with every release: keep them small."""

import shutil

import numpy as np
import pytest

from sky.java import computed_in_java
from sky.motions import computed_by_numpy, histogram_range, measured
from sky.sample import EXTRACT_CENTRE, of_extract

needs_java = pytest.mark.skipif(
    shutil.which("javac") is None, reason="runs in the image avi-java"
)


@pytest.fixture
def values():
    ra, dec = EXTRACT_CENTRE
    return measured(of_extract(ra=ra, dec=dec, radius=5.0, why="a test").stars)


def test_two_stars_are_what_one_computes_by_hand():
    stars = np.array([[10.0, 1.0, 30.0, 40.0], [20.0, 1.0, 30.0, -40.0]])
    found = computed_by_numpy(stars, bins=2, low=0.0, high=20.0)
    assert found.parallax == 15.0
    assert (found.pm_ra, found.pm_de) == (30.0, 0.0)
    assert found.velocity == pytest.approx(4.74047 * (50 / 10 + 50 / 20) / 2, rel=1e-6)
    assert found.histogram == [0, 2]


@needs_java
def test_java_and_numpy_agree(values):
    low, high = histogram_range(values)
    wanted = computed_by_numpy(values, bins=24, low=low, high=high)
    found = computed_in_java(values, bins=24, low=low, high=high)
    assert found.difference(wanted) < 1e-9


@needs_java
def test_stars_on_an_edge_fall_where_numpy_puts_them():
    edges = np.linspace(0.0, 0.7, 8)
    stars = np.column_stack([edges[1:], *[np.ones(7)] * 3])
    wanted = computed_by_numpy(stars, bins=7, low=0.0, high=0.7)
    found = computed_in_java(stars, bins=7, low=0.0, high=0.7)
    assert found.histogram == wanted.histogram
