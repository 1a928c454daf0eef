"""Answers as files: what is kept of them, and what keeps them."""

import os
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from astropy.io.votable import parse
from astropy.table import Table

from avi_kernel.connectors.cache import QueryCache, normalised, query_key
from avi_kernel.connectors.parquet import read_parquet, write_parquet
from avi_kernel.connectors.source import ArchiveTable, Source, write_votable

SOURCE = Source(
    archive="An archive",
    url="http://archive.invalid/tap",
    release="Gaia DR3",
    query="SELECT 'ä' < b",
    asked_at="2026-11-22T12:00:00+00:00",
    rows=3,
)


@pytest.fixture
def stars() -> Table:
    table = Table(
        {
            "source_id": np.array([1, 2**62, 3]),
            "g": np.ma.MaskedArray(np.array([1.5, 2.5, 3.5], np.float32), mask=[False, True, False]),
            "name": np.array(["a", "b", "c"], dtype=object),
            "flag": [True, False, True],
        }
    )
    table["g"].unit = "mag"
    table["g"].description = "Magnitude"
    table["g"].meta["ucd"] = "phot.mag"
    SOURCE.mark(table)
    return table


def test_parquet_keeps_values_gaps_units_and_source(stars: Table, tmp_path: Path) -> None:
    read = read_parquet(write_parquet(stars, tmp_path / "stars.parquet"))
    assert [read[name].tolist() for name in read.colnames] == [
        stars[name].tolist() for name in stars.colnames
    ]
    assert read["g"].mask.tolist() == [False, True, False]
    assert read["g"].dtype == np.float32
    assert (read["g"].unit, read["g"].description, read["g"].meta["ucd"]) == ("mag", "Magnitude", "phot.mag")
    assert Source.of(read) == SOURCE


def test_others_read_a_gap_as_null(stars: Table, tmp_path: Path) -> None:
    answer = ArchiveTable(stars, SOURCE)
    assert pq.read_table(answer.to_parquet(tmp_path / "stars.parquet")).column("g").to_pylist() == [
        1.5,
        None,
        3.5,
    ]


def test_arrays_in_cells_survive(tmp_path: Path) -> None:
    read = read_parquet(write_parquet(Table({"pair": [[1.0, 2.0], [3.0, 4.0]]}), tmp_path / "pairs.parquet"))
    assert read["pair"].tolist() == [[1.0, 2.0], [3.0, 4.0]]


def test_a_votable_names_its_source_and_question(stars: Table, tmp_path: Path) -> None:
    infos = parse(write_votable(stars, tmp_path / "stars.vot")).resources[0].infos
    told = {info.name: info.value for info in infos}
    assert told["publisher"] == "An archive"
    assert told["query"] == "SELECT 'ä' < b"
    assert told["resource_version"] == "Gaia DR3"
    assert told["request_date"] == "2026-11-22T12:00:00+00:00"
    assert "CC BY-SA 3.0 IGO" in told["rights"]


def test_a_votable_keeps_the_columns(stars: Table, tmp_path: Path) -> None:
    read = Table.read(write_votable(stars, tmp_path / "stars.vot"))
    assert read["name"].tolist() == ["a", "b", "c"]
    assert read["source_id"].tolist() == [1, 2**62, 3]
    assert str(read["g"].unit) == "mag"
    assert stars["name"].dtype == object, "the table itself is left as it was"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("SELECT a FROM b;", "select  a\n from b"),
        ("SELECT a -- why\nFROM b", "SELECT a FROM b"),
        ("SELECT A FROM b WHERE c='x'", "select a from B where C='x'"),
    ],
)
def test_spelling_does_not_matter(one: str, other: str) -> None:
    assert normalised(one) == normalised(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("SELECT a FROM b WHERE c='X'", "SELECT a FROM b WHERE c='x'"),
        ("SELECT a FROM b WHERE c='a  b'", "SELECT a FROM b WHERE c='a b'"),
        ("SELECT a FROM b WHERE c='it''s --'", "SELECT a FROM b WHERE c='it''s'"),
        ('SELECT "A" FROM b', 'SELECT "a" FROM b'),
        ("SELECT a-1 FROM b", "SELECT a FROM b"),
    ],
)
def test_meaning_matters(one: str, other: str) -> None:
    assert normalised(one) != normalised(other)


def test_a_key_tells_archives_and_limits_apart() -> None:
    question = {"url": "http://a/tap", "release": "DR3", "adql": "SELECT 1", "maxrec": None, "uploads": {}}
    others = [{"url": "http://b/tap"}, {"release": "DR4"}, {"maxrec": 5}, {"uploads": {"t": b"1"}}]
    assert len({query_key(**question), *(query_key(**{**question, **other}) for other in others)}) == 5


def test_a_broken_file_counts_as_no_answer(stars: Table, tmp_path: Path) -> None:
    cache = QueryCache(tmp_path)
    cache.keep("k", stars)
    (tmp_path / "k.parquet").write_bytes(b"half of it")
    assert cache.find("k") is None


def test_a_folder_that_cannot_be_written_costs_only_the_saving(stars: Table, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    cache = QueryCache(tmp_path / "file" / "cache")
    cache.keep("k", stars)
    assert cache.find("k") is None


def test_the_longest_unused_answers_go_first(stars: Table, tmp_path: Path) -> None:
    unlimited = QueryCache(tmp_path)
    for age, key in enumerate(("new", "used", "old")):
        unlimited.keep(key, stars)
        os.utime(tmp_path / f"{key}.parquet", (1_000_000 - age, 1_000_000 - age))
    size = (tmp_path / "new.parquet").stat().st_size
    QueryCache(tmp_path, limit_mb=3 * size / 2**20).keep("newest", stars)
    assert sorted(path.stem for path in tmp_path.glob("*.parquet")) == ["new", "newest", "used"]
