"""Previews of results: strangers' files."""

import base64
import hashlib
import io
import json

import nbformat
import numpy as np
import pytest
from astropy import units
from astropy.table import QTable as Table

from avi_kernel.protocol.runs import ResultEntry
from gavip_hub.handlers.notebook_page import NotebookPages
from gavip_hub.handlers.previews import preview_of, read_table, read_text
from gavip_hub.handlers.tables import MOST_ROWS, Unreadable
from tests.support.portal import result

VOTABLE = """<?xml version="1.0"?>
<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3"><RESOURCE><TABLE>
<FIELD name="source_id" datatype="long"/><FIELD name="ra" unit="deg" ucd="pos.eq.ra" datatype="double"/>
<DATA><TABLEDATA>{rows}</TABLEDATA></DATA></TABLE></RESOURCE></VOTABLE>"""
LAUGHS = """<?xml version="1.0"?><!DOCTYPE v [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>
<VOTABLE><RESOURCE><TABLE><FIELD name="x"/><DATA><TABLEDATA><TR><TD>&b;</TD></TR></TABLEDATA></DATA></TABLE></RESOURCE></VOTABLE>"""


def votable(count: int) -> bytes:
    rows = "".join(f"<TR><TD>{index}</TD><TD>{index / 10}</TD></TR>" for index in range(count))
    return VOTABLE.format(rows=rows).encode()


def entry(name: str, data: bytes, media_type: str = "application/octet-stream") -> ResultEntry:
    return result(name, media_type, size=len(data))


async def rendered(notebook: bytes) -> bytes:
    async def read() -> bytes:
        return notebook

    return await NotebookPages().page(hashlib.sha256(notebook).hexdigest(), read)


@pytest.mark.parametrize(
    ("name", "media_type", "expected"),
    [
        ("a.png", "image/png", "image"),
        ("a.svg", "image/svg+xml", "image"),
        ("a.vot", "application/x-votable+xml", "table"),
        ("a.csv", "text/csv; charset=utf-8", "table"),
        ("a.ipynb", "application/octet-stream", "notebook"),
        ("a.txt", "text/plain", "text"),
        ("a.html", "text/html", "none"),
        ("a.parquet", "application/vnd.apache.parquet", "none"),
    ],
)
def test_a_result_is_shown_by_its_kind(name: str, media_type: str, expected: str):
    assert preview_of(result(name, media_type)) == expected


def test_a_votable_shows_its_first_rows_with_units():
    data = votable(3)
    table = read_table(entry("a.vot", data), data)
    assert [(column.name, column.unit) for column in table.columns] == [("source_id", ""), ("ra", "deg")]
    assert table.rows == [["0", "0.0"], ["1", "0.1"], ["2", "0.2"]]
    assert not table.more


def test_a_long_votable_is_cut_and_says_so():
    data = votable(MOST_ROWS + 1)
    table = read_table(entry("a.vot", data), data)
    assert len(table.rows) == MOST_ROWS
    assert table.more


def test_the_first_part_of_a_votable_is_enough():
    data = votable(5000)
    table = read_table(entry("a.vot", data), data[:4000])
    assert len(table.rows) == MOST_ROWS
    assert table.more


def test_a_votable_that_defines_entities_is_refused():
    with pytest.raises(Unreadable, match="document type"):
        read_table(entry("a.vot", LAUGHS.encode()), LAUGHS.encode())


def astropy_votable(form: str, count: int = 3) -> bytes:
    """Return what astropy writes, which is what most AVIs will."""
    table = Table(
        {
            "source_id": np.arange(count) + 2**60,
            "ra": np.arange(count) / 3 * units.deg,
            "flux": (np.arange(count) / 7).astype("f4"),
            "name": [f"star {index}" for index in range(count)],
            "spectrum": np.ones((count, 3), dtype="i2"),
            "known": np.arange(count) % 2 == 0,
        },
    )
    table["ra"][0] = np.nan
    stream = io.BytesIO()
    table.write(stream, format="votable", tabledata_format=form)
    return stream.getvalue()


@pytest.mark.parametrize("form", ["tabledata", "binary", "binary2"])
def test_a_votable_of_astropy_is_read_in_each_of_its_forms(form: str):
    data = astropy_votable(form)
    table = read_table(entry("a.vot", data), data)
    assert [column.name for column in table.columns] == [
        "source_id",
        "ra",
        "flux",
        "name",
        "spectrum",
        "known",
    ]
    assert table.columns[1].unit == "deg"
    last = table.rows[2]
    assert last[0] == str(2**60 + 2)
    assert float(last[1]) == pytest.approx(2 / 3)
    assert float(last[2]) == pytest.approx(2 / 7, rel=1e-6)
    assert last[3:5] == ["star 2", "1 1 1"]
    assert last[5] == "1"
    assert len(table.rows) == 3
    assert not table.more


@pytest.mark.parametrize("form", ["binary", "binary2"])
def test_the_first_part_of_a_binary_votable_is_enough(form: str):
    data = astropy_votable(form, 5000)
    table = read_table(entry("a.vot", data), data[: len(data) // 2])
    assert len(table.rows) == MOST_ROWS
    assert table.more


def test_a_row_that_was_cut_is_not_shown():
    data = astropy_votable("binary2", 20)
    start = data.index(b"base64")
    table = read_table(entry("a.vot", data), data[: start + 400])
    assert 0 < len(table.rows) < 20


@pytest.mark.parametrize(
    "arraysize", ["-1", "99999999999", "x", "*", "", "9" * 5000, "x".join("1" * 50_000)], ids=len
)
def test_a_binary_votable_that_lies_about_its_lengths_is_refused(arraysize: str):
    stream = base64.b64encode(b"\xff\xff\xff\xff" * 4).decode()
    head = f"<VOTABLE><TABLE><FIELD name='x' datatype='int' arraysize='{arraysize}'/><DATA><BINARY>"
    data = f"{head}<STREAM encoding='base64'>{stream}</STREAM></BINARY></DATA></TABLE></VOTABLE>".encode()
    with pytest.raises(Unreadable, match="damaged"):
        read_table(entry("a.vot", data), data)


@pytest.mark.parametrize("arraysize", ["0", "1"])
def test_a_votable_of_too_many_columns_is_refused_before_a_row_is_read(arraysize: str):
    fields = f"<FIELD name='x' datatype='int' arraysize='{arraysize}'/>" * 1001
    head = f"<VOTABLE><TABLE>{fields}<DATA><BINARY><STREAM encoding='base64'>".encode()
    with pytest.raises(Unreadable, match="more than 1000 columns"):
        read_table(entry("a.vot", head), head)


def test_a_votable_whose_rows_are_elsewhere_is_not_followed():
    data = b"<VOTABLE><TABLE><FIELD name='x' datatype='int'/><DATA><BINARY><STREAM href='file:///etc/passwd'/></BINARY></DATA></TABLE></VOTABLE>"
    with pytest.raises(Unreadable, match="another file"):
        read_table(entry("a.vot", data), data)


@pytest.mark.parametrize(
    "data", [b"<VOTABLE><TR></VOTABLE>", b"<html></html>", b"", b"<", b"\x00" * 50 + b"<"]
)
def test_what_is_no_table_is_told_in_a_sentence(data: bytes):
    with pytest.raises(Unreadable, match=r"\.$"):
        read_table(entry("a.vot", data), data)


def test_a_csv_shows_its_first_rows():
    data = b"# Gaia DR3\nname,ra\n" + b"\n".join(b"s%d,%d" % (i, i) for i in range(80))
    table = read_table(entry("a.csv", data), data)
    assert [column.name for column in table.columns] == ["name", "ra"]
    assert table.rows[0] == ["s0", "0"]
    assert len(table.rows) == MOST_ROWS
    assert table.more


def test_the_last_line_of_a_part_of_a_csv_is_not_shown():
    data = b"name,ra\ns1,1\ns2,22222"
    table = read_table(entry("a.csv", data), data[:-3])
    assert table.rows == [["s1", "1"]]
    assert table.more


def test_a_cell_of_a_megabyte_is_refused_or_cut():
    data = b"name\n" + b"x" * 100_000
    assert len(read_table(entry("a.csv", data), data).rows[0][0]) < 200
    with pytest.raises(Unreadable):
        read_table(entry("a.csv", b"name\n" + b"x" * 500_000), b"name\n" + b"x" * 500_000)


def test_a_text_loses_its_terminal_colours():
    assert read_text(b"\x1b[31mred\x1b[0m \x07bell") == "red bell"


async def test_a_notebook_becomes_a_page_with_its_figures_and_no_request_elsewhere():
    cell = nbformat.v4.new_code_cell(
        "print(1)",
        outputs=[
            nbformat.v4.new_output("stream", text="one\n"),
            nbformat.v4.new_output("display_data", data={"image/png": "iVBORw0KGgo="}),
        ],
    )
    notebook = nbformat.writes(nbformat.v4.new_notebook(cells=[cell])).encode()
    page = (await rendered(notebook)).decode()
    assert "one" in page
    assert "data:image/png;base64,iVBORw0KGgo=" in page
    assert "http:" not in page
    assert "https:" not in page
    assert "<script" not in page


@pytest.mark.parametrize("data", [b"", b"{}", b"\xff\xfe", json.dumps({"cells": 5, "nbformat": 4}).encode()])
async def test_what_is_no_notebook_is_told_in_a_sentence(data: bytes):
    with pytest.raises(Unreadable, match="cannot be rendered"):
        await rendered(data)
