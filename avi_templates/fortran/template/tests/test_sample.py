"""The check job runs these with every release, where no archive needs to answer."""

import pytest

from sky.sample import EXTRACT_CENTRE, EXTRACT_NAME, fetch, of_extract, separation

NOWHERE = {"GAVIP_ARCHIVE_URL": "http://127.0.0.1:9/tap"}


def test_the_extract_stands_in_where_no_archive_answers():
    ra, dec = EXTRACT_CENTRE
    sample = fetch(ra=ra, dec=dec, radius=2.0, environ=NOWHERE)
    assert sample.source.archive == EXTRACT_NAME
    assert len(sample.stars) == sample.source.rows > 10
    assert "packaged extract" in sample.titled
    assert sample.source.complete


def test_a_cone_that_the_extract_does_not_hold_says_so():
    sample = of_extract(ra=80.0, dec=15.0, radius=5.0, why="a test")
    assert not sample.source.complete
    assert "missing" in sample.notes[-1]


def test_a_degree_is_a_degree():
    assert separation(10.0, 0.0, 11.0, 0.0) == pytest.approx(1.0)
    assert separation(10.0, 89.0, 190.0, 89.0) == pytest.approx(2.0)
