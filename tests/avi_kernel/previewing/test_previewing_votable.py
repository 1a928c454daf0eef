"""VOTables: strangers' files, in each of their forms."""

import base64
import io

import numpy as np
import pytest
from astropy import units
from astropy.table import QTable as Table

from avi_kernel.previewing.words import ROWS, Unreadable
from tests.support.previews import seen

VOTABLE = """<?xml version="1.0"?>
<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3"><RESOURCE><TABLE>
<FIELD name="source_id" datatype="long"/><FIELD name="ra" unit="deg" ucd="pos.eq.ra" datatype="double"><DESCRIPTION>Right ascension</DESCRIPTION></FIELD>
<DATA><TABLEDATA>{rows}</TABLEDATA></DATA></TABLE></RESOURCE></VOTABLE>"""
LAUGHS = """<?xml version="1.0"?><!DOCTYPE v [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>
<VOTABLE><RESOURCE><TABLE><FIELD name="x"/><DATA><TABLEDATA><TR><TD>&b;</TD></TR></TABLEDATA></DATA></TABLE></RESOURCE></VOTABLE>"""


def votable(count: int) -> bytes:
    rows = "".join(f"<TR><TD>{index}</TD><TD>{index / 10}</TD></TR>" for index in range(count))
    return VOTABLE.format(rows=rows).encode()


def test_a_votable_shows_its_first_rows_with_what_its_columns_are():
    table = seen(votable(3), "votable").table
    told = [(column.name, column.unit, column.ucd, column.about) for column in table.columns]
    assert told == [("source_id", "", "", ""), ("ra", "deg", "pos.eq.ra", "Right ascension")]
    assert table.rows == [["0", "0.0"], ["1", "0.1"], ["2", "0.2"]]
    assert (table.first, table.total) == (1, 3)


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
    table = seen(astropy_votable(form), "votable").table
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
    assert (len(table.rows), table.total) == (3, 3)


@pytest.mark.parametrize("form", ["tabledata", "binary", "binary2"])
def test_pages_of_a_votable_follow_one_another_without_a_gap(form: str):
    content = astropy_votable(form, 3 * ROWS + 5)
    names, page = [], ""
    while page is not None:
        view = seen(content, "votable", page=page)
        names += [row[3] for row in view.table.rows]
        page = view.next
    assert names == [f"star {row}" for row in range(3 * ROWS + 5)]
    assert (view.previous, view.table.total) == (str(2 * ROWS), 3 * ROWS + 5)


def test_rows_before_a_break_are_shown_with_what_is_wrong():
    view = seen(votable(50)[:1200], "votable")
    assert view.table.rows[0] == ["0", "0.0"]
    assert "not well-formed" in view.problem


def test_a_votable_that_defines_entities_is_refused():
    with pytest.raises(Unreadable, match="document type"):
        seen(LAUGHS.encode(), "votable")


@pytest.mark.parametrize(
    "arraysize", ["-1", "99999999999", "x", "*", "", "9" * 5000, "x".join("1" * 50_000)], ids=len
)
def test_a_binary_votable_that_lies_about_its_lengths_is_refused(arraysize: str):
    stream = base64.b64encode(b"\xff\xff\xff\xff" * 4).decode()
    head = f"<VOTABLE><TABLE><FIELD name='x' datatype='int' arraysize='{arraysize}'/><DATA><BINARY>"
    data = f"{head}<STREAM encoding='base64'>{stream}</STREAM></BINARY></DATA></TABLE></VOTABLE>".encode()
    with pytest.raises(Unreadable, match="damaged"):
        seen(data, "votable")


@pytest.mark.parametrize("arraysize", ["0", "1"])
def test_a_votable_of_too_many_columns_is_refused_before_a_row_is_read(arraysize: str):
    fields = f"<FIELD name='x' datatype='int' arraysize='{arraysize}'/>" * 1001
    head = f"<VOTABLE><TABLE>{fields}<DATA><BINARY><STREAM encoding='base64'>".encode()
    with pytest.raises(Unreadable, match="more than 1000 columns"):
        seen(head, "votable")


def test_a_votable_whose_rows_are_elsewhere_is_not_followed():
    data = b"<VOTABLE><TABLE><FIELD name='x' datatype='int'/><DATA><BINARY><STREAM href='file:///etc/passwd'/></BINARY></DATA></TABLE></VOTABLE>"
    with pytest.raises(Unreadable, match="another file"):
        seen(data, "votable")


def test_a_value_without_end_is_refused():
    data = b"<VOTABLE><TABLE><FIELD name='x'/><DATA><TABLEDATA><TR><TD>" + b"x" * 17 * 1024 * 1024
    with pytest.raises(Unreadable, match="longer than"):
        seen(data, "votable")


@pytest.mark.parametrize(
    "data", [b"<VOTABLE><TR></VOTABLE>", b"<html></html>", b"", b"<", b"\x00" * 50 + b"<"]
)
def test_what_is_no_table_is_told_in_a_sentence(data: bytes):
    with pytest.raises(Unreadable, match=r"\.$"):
        seen(data, "votable")
