"""The check job runs these with every release; no archive is asked."""

from dataclasses import replace

import pytest
from astropy.table import Table
from avi_kernel.connectors.errors import ArchiveUnavailable
from avi_kernel.connectors.source import ArchiveTable
from avi_kernel.connectors.tap import TapConnector

from sky.sample import EXTRACT_CENTRE, EXTRACT_NAME, fetch, of_extract, separation


def test_the_extract_stands_in_where_no_archive_answers(monkeypatch):
    def away(self, adql):
        raise ArchiveUnavailable(self.name, "is away")

    monkeypatch.setattr(TapConnector, "fetch", away)
    ra, dec = EXTRACT_CENTRE
    sample = fetch(ra=ra, dec=dec, radius=2.0)
    assert sample.source.archive == EXTRACT_NAME
    assert len(sample.stars) == sample.source.rows > 10
    assert "packaged extract" in sample.titled
    assert sample.source.complete


def test_what_the_archive_answers_is_taken_as_it_is(monkeypatch):
    stars = Table({"hip": [1, 2]})
    source = of_extract(ra=0, dec=0, radius=1, why="a test").source
    source = replace(source, archive="An archive")
    answer = ArchiveTable(stars, source)
    monkeypatch.setattr(TapConnector, "fetch", lambda self, adql: answer)
    sample = fetch(ra=0, dec=0, radius=1)
    assert (sample.stars is stars, sample.titled) == (True, "")


def test_a_cone_that_the_extract_does_not_hold_says_so():
    sample = of_extract(ra=80.0, dec=15.0, radius=5.0, why="a test")
    assert not sample.source.complete
    assert "missing" in sample.notes[-1]


def test_a_degree_is_a_degree():
    assert separation(10.0, 0.0, 11.0, 0.0) == pytest.approx(1.0)
    assert separation(10.0, 89.0, 190.0, 89.0) == pytest.approx(2.0)
