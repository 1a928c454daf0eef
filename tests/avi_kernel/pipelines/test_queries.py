"""Questions to archives, as a job's code notes them."""

import json

from avi_kernel.connectors.noted import QUERIES_VARIABLE as NOTED_VARIABLE
from avi_kernel.connectors.noted import Asked, note
from avi_kernel.pipelines.places import QUERIES_VARIABLE
from avi_kernel.pipelines.queries import read_queries
from avi_kernel.protocol.runs import MOST_QUERIES

ASKED = Asked(
    url="http://a/tap", archive="Gaia", release="DR3", adql="SELECT 1", rows=3, at="2026-01-01T00:00:00+00:00"
)


def test_what_a_connector_notes_is_read_again(tmp_path, monkeypatch):
    monkeypatch.setenv(NOTED_VARIABLE, str(tmp_path / "q"))
    note(ASKED)
    note(ASKED)
    [found] = read_queries(tmp_path / "q")
    assert (found.adql, found.rows, found.release) == ("SELECT 1", 3, "DR3")


def test_runner_and_connector_mean_the_same_file():
    assert NOTED_VARIABLE == QUERIES_VARIABLE


def test_outside_a_job_nothing_is_noted(tmp_path, monkeypatch):
    monkeypatch.delenv(NOTED_VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)
    note(ASKED)
    assert list(tmp_path.iterdir()) == []
    assert read_queries(tmp_path / "none") == []


def test_a_broken_line_is_passed_over_and_many_are_bounded(tmp_path):
    good = {"url": "u", "adql": "a", "rows": 1, "at": "2026-01-01T00:00:00+00:00"}
    lines = [b"{", b"\xff", b"[]", b"null", json.dumps({**good, "rows": -1}).encode()]
    lines += [json.dumps({**good, "adql": str(number)}).encode() for number in range(2 * MOST_QUERIES)]
    (tmp_path / "q").write_bytes(b"\n".join(lines))
    assert [query.adql for query in read_queries(tmp_path / "q")] == [str(n) for n in range(MOST_QUERIES)]


def test_a_query_that_is_too_long_is_cut(tmp_path, monkeypatch):
    monkeypatch.setenv(NOTED_VARIABLE, str(tmp_path / "q"))
    note(Asked(**{**ASKED.__dict__, "adql": "x" * 50_000}))
    [found] = read_queries(tmp_path / "q")
    assert len(found.adql) == 10_000
