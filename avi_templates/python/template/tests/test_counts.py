"""The check job runs these with every release: keep them small."""

import numpy as np

from sky.counts import by_magnitude, made_up


def test_no_star_is_fainter_than_the_limit():
    assert made_up(500, 15.0).max() <= 15.0


def test_every_star_is_counted_once():
    edges, counts = by_magnitude(made_up(500, 15.3), 15.3)
    assert counts.sum() == 500
    assert len(counts) == len(edges) - 1


def test_each_fainter_magnitude_has_about_four_times_as_many():
    _, counts = by_magnitude(made_up(100_000, 15.0), 15.0)
    assert np.isclose(counts[-1] / counts[-2], 10**0.6, rtol=0.1)
