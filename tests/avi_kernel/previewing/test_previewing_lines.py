"""Tables and texts of lines: paged by their place in the file."""

import io
import subprocess
import sys

import numpy as np
import pytest
from astropy import units
from astropy.table import QTable
from hypothesis import given
from hypothesis import strategies as st

from avi_kernel.previewing.lines import PAGE_BYTES
from avi_kernel.previewing.words import ROWS, Unreadable
from tests.support.previews import outcome, seen


def csv(count: int) -> bytes:
    return b"name,ra\n" + b"".join(b"s%d,%d\n" % (row, row) for row in range(count))


def test_a_csv_shows_its_first_rows_and_which_columns_are_numbers():
    view = seen(b"# Gaia DR3\n" + csv(3), "csv")
    assert [(column.name, column.number) for column in view.table.columns] == [("name", False), ("ra", True)]
    assert view.table.rows == [["s0", "0"], ["s1", "1"], ["s2", "2"]]
    assert (view.table.first, view.table.total, view.next) == (1, 3, None)


def test_pages_of_a_csv_follow_one_another_without_a_gap_and_lead_back():
    content = csv(3 * ROWS)
    names, page = [], ""
    while page is not None:
        view = seen(content, "csv", page=page)
        names += [row[0] for row in view.table.rows]
        page, last = view.next, view
    assert names == [f"s{row}" for row in range(3 * ROWS)]
    back = seen(content, "csv", page=last.previous)
    assert [row[0] for row in back.table.rows] == [f"s{row}" for row in range(ROWS, 2 * ROWS)]
    first = seen(content, "csv", page=back.previous)
    assert first.table.rows[0][0] == "s0"
    assert first.previous is None


def test_the_end_of_a_csv_is_read_from_there():
    view = seen(csv(1050), "csv", page="end")
    assert [row[0] for row in view.table.rows] == [f"s{row}" for row in range(1050 - ROWS, 1050)]
    assert view.next is None


def test_an_ecsv_tells_units_types_and_descriptions():
    table = QTable({"ra": np.arange(3) * units.deg, "name": ["a", "b", "c"]})
    table["ra"].info.description = "right ascension"
    stream = io.StringIO()
    table.write(stream, format="ascii.ecsv")
    view = seen(stream.getvalue().encode(), "csv")
    ra = view.table.columns[0]
    assert (ra.name, ra.unit, ra.type, ra.about) == ("ra", "deg", "float64", "right ascension")
    assert view.table.rows[2] == ["2.0", "c"]


def test_a_formula_is_a_text():
    view = seen(b'name\n"=HYPERLINK(""http://x"")"\n', "csv")
    assert view.table.rows == [['=HYPERLINK("http://x")']]


def test_a_quote_that_is_never_closed_ends_at_the_file():
    assert seen(b'a,b\n1,"2\n' + b"3,4\n" * 10, "csv").table.rows[0][0] == "1"


def test_an_endless_line_is_refused_and_a_long_one_cut():
    assert len(seen(b"name\n" + b"x" * 100_000, "csv").table.rows[0][0]) < 200
    with pytest.raises(Unreadable, match="longer than 1 MB"):
        seen(b"name\n" + b"x" * 3_000_000, "csv")


@pytest.mark.parametrize("content", [b"", b"\n\n", b"# only\n", b"a\0b,c\n"])
def test_what_is_no_table_is_told_in_a_sentence(content: bytes):
    with pytest.raises(Unreadable, match=r"\.$"):
        seen(content, "csv")


def test_what_misleads_is_made_visible():
    text = "\x1b[31mred\x1b[0m \x07bell \u202egnp.exe"
    assert seen(text.encode(), "text").text == "red \ufffdbell \ufffdgnp.exe"
    assert seen(f"name\n{text}\n".encode(), "csv").table.rows == [["red \ufffdbell \ufffdgnp.exe"]]


def test_what_is_no_text_is_not_shown_as_one():
    with pytest.raises(Unreadable, match="not text"):
        seen(bytes(range(8)) * 50, "text")


def test_a_text_is_paged_at_ends_of_lines():
    content = b"".join(b"line %d\n" % number for number in range(20_000))
    text, page, pages = "", "", 0
    while page is not None:
        view = seen(content, "text", page=page)
        text, page, pages = text + view.text, view.next, pages + 1
    assert text.encode() == content
    assert pages > len(content) // PAGE_BYTES
    assert seen(content, "text", page=view.previous).next is not None


@given(st.binary(max_size=2000), st.sampled_from(["csv", "tsv", "text"]), st.integers(0, 3000))
def test_any_bytes_are_a_page_or_a_sentence(content: bytes, kind: str, page: int):
    view = outcome(content, kind, page=str(page))
    assert view.problem.endswith(".") or view.table or view.text is not None


@pytest.mark.parametrize(
    ("content", "needs"), [(b"# %ECSV 1.0\n# ---\nra\n1\n", True), (b"ra,dec\n1,2\n", False)]
)
def test_only_an_ecsv_waits_for_what_reads_its_comments(tmp_path, content, needs):
    (tmp_path / "stars.csv").write_bytes(content)
    program = (
        "import sys; from avi_kernel.previewing import lines; lines.load(); print('yaml' in sys.modules)"
    )
    with (tmp_path / "stars.csv").open("rb") as file:
        told = subprocess.run(
            [sys.executable, "-c", program], stdin=file, capture_output=True, text=True, check=True
        )
    assert told.stdout.strip() == str(needs)
