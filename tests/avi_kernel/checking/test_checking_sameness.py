"""Results that mean the same are the same, whatever moment stands in them; what differs is named."""

import gzip
import io
import json
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from PIL import Image, PngImagePlugin

from avi_kernel.checking.sameness import difference, differences, rows_of
from avi_kernel.pipelines.results import describe_results
from tests.support.avis import notebook


def two(folder: Path, name: str, first: bytes | str, second: bytes | str) -> str:
    """Return how two contents of one file differ."""
    paths = [folder / place / name for place in ("first", "second")]
    for path, content in zip(paths, (first, second), strict=True):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return difference(*paths)


def picture(colour: int, *, moment: str) -> bytes:
    told = PngImagePlugin.PngInfo()
    told.add_text("Creation Time", moment)
    written = io.BytesIO()
    Image.new("RGB", (8, 8), (colour, 0, 0)).save(written, "png", pnginfo=told)
    return written.getvalue()


def image_in_fits(value: float, *, moment: str) -> bytes:
    header = fits.Header([("DATE", moment), ("OBJECT", "M 45")])
    written = io.BytesIO()
    fits.PrimaryHDU(np.full((4, 4), value), header=header).writeto(written)
    return written.getvalue()


def table(kind: str, brightness: float, tmp_path: Path, **meta: str) -> bytes:
    made = Table({"name": ["a", "b"], "mag": [brightness, 7.5]}, meta=meta)
    path = tmp_path / f"table.{kind}"
    made.write(path, format=kind, overwrite=True)
    return path.read_bytes()


def ran(text: str, *, moment: str) -> str:
    made = json.loads(notebook("print('it')"))
    made["metadata"]["papermill"] = {"start_time": moment, "duration": 1.5}
    made["cells"][0]["execution_count"] = 3
    made["cells"][0]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": text}]
    return json.dumps(made)


MOMENTS = ("2026-11-27T05:32:47.123", "2026-11-28T06:00:00.001")


def test_pictures_are_compared_by_their_pixels(tmp_path):
    before, after = (picture(10, moment=moment) for moment in MOMENTS)
    assert before != after
    assert two(tmp_path, "a.png", before, after) == ""
    assert "100.00% of its pixels" in two(tmp_path, "a.png", before, picture(90, moment=MOMENTS[0]))


def test_fits_is_compared_without_its_dates(tmp_path):
    before, after = (image_in_fits(1.0, moment=moment) for moment in MOMENTS)
    assert before != after
    assert two(tmp_path, "a.fits", before, after) == ""
    assert two(tmp_path, "a.fits", before, image_in_fits(2.0, moment=MOMENTS[0])) != ""


@pytest.mark.parametrize("kind", ["votable", "parquet"])
def test_tables_are_compared_by_value(tmp_path, kind):
    name = {"votable": "a.vot", "parquet": "a.parquet"}[kind]
    before, after = (table(kind, 5.0, tmp_path, note=moment) for moment in MOMENTS)
    assert two(tmp_path, name, before, after) == ""
    assert "row 1, mag: 5.0 became 6.0" in two(tmp_path, name, before, table(kind, 6.0, tmp_path))


def test_a_table_as_text_is_compared_by_value_and_without_its_comments(tmp_path):
    assert two(tmp_path, "a.csv", "# made 1\nx,y\n1,2.0\n", "# made 2\nx,y\n1,2.0000000000001\n") == ""
    assert two(tmp_path, "a.csv", "x,y\n1,2\n", "x,y\n1,3\n") == "row 1, y: 2 became 3"
    assert two(tmp_path, "a.csv", "x\n1\n", "x\n1\n2\n") == "1 rows became 2"


def test_coordinates_are_no_clock_times(tmp_path):
    assert two(tmp_path, "a.csv", "ra\n12:34:56.7\n", "ra\n12:34:57.7\n") != ""


def test_notebooks_are_compared_by_what_their_cells_put_out(tmp_path):
    before, after = (ran(f"asked at {moment}, took 0.3 s", moment=moment) for moment in MOMENTS)
    assert two(tmp_path, "a.ipynb", before, after) == ""
    other = two(
        tmp_path, "a.ipynb", ran("0.5123456789012345", moment="1"), ran("0.6123456789012345", moment="1")
    )
    assert "cell 1: it put out '0.5123" in other


def test_progress_and_warnings_are_no_results(tmp_path):
    before, after = (json.loads(ran("42 stars", moment=moment)) for moment in MOMENTS)
    warned = {"output_type": "stream", "name": "stderr", "text": "building the font cache"}
    before["cells"][0]["outputs"].insert(0, warned)
    assert two(tmp_path, "a.ipynb", json.dumps(before), json.dumps(after)) == ""


def test_the_folder_of_a_run_is_no_result(tmp_path):
    places = [
        f"file,mag\n/scratch/gavip-check-{number}/run-{number}-counts/work/a.fits,5\n" for number in (1, 2)
    ]
    assert two(tmp_path, "a.csv", *places) == ""


def test_numbers_with_many_digits_are_no_names(tmp_path):
    assert two(tmp_path, "a.txt", "source 4295806720123456789", "source 4295806720123456780") != ""


def test_json_is_compared_part_by_part(tmp_path):
    before, after = (json.dumps({"made": moment, "stars": [{"mag": 5.0}]}) for moment in MOMENTS)
    assert two(tmp_path, "a.json", before, after) == ""
    other = json.dumps({"made": "", "stars": [{"mag": 5.1}]})
    assert "stars[0].mag" in two(tmp_path, "a.json", before.replace(MOMENTS[0], ""), other)


def test_what_is_packed_is_compared_without_its_moment(tmp_path):
    assert (
        two(tmp_path, "a.csv.gz", gzip.compress(b"x\n1\n", mtime=1), gzip.compress(b"x\n1\n", mtime=2)) == ""
    )
    assert two(tmp_path, "a.csv.gz", gzip.compress(b"x\n1\n"), gzip.compress(b"x\n2\n")) != ""


def test_arrays_are_compared_by_value_and_never_unpickled(tmp_path):
    def saved(array: np.ndarray) -> bytes:
        written = io.BytesIO()
        np.savez(written, stars=array)
        return written.getvalue()

    assert two(tmp_path, "a.npz", saved(np.ones(3)), saved(np.ones(3) + 1e-15)) == ""
    assert two(tmp_path, "a.npz", saved(np.ones(3)), saved(np.zeros(3))) == "array 'stars' has other values"
    pickled = [saved(np.array([{"n": number}], dtype=object)) for number in (1, 2)]
    assert "cannot be read" in two(tmp_path, "a.npz", *pickled)


def test_pdf_and_svg_are_compared_without_dates_and_made_up_names(tmp_path):
    pdf = b"%%PDF /CreationDate (D:2026%s) /Title (Stars)"
    assert two(tmp_path, "a.pdf", pdf % b"1127", pdf % b"1128") == ""
    assert two(tmp_path, "a.pdf", pdf % b"1127", (pdf % b"1127").replace(b"Stars", b"Moons")) != ""
    svg = '<svg><dc:date>{}</dc:date><use href="#{}"/></svg>'
    assert (
        two(tmp_path, "a.svg", svg.format(MOMENTS[0], "m0a1b2c3d4e"), svg.format(MOMENTS[1], "mf9e8d7c6b5"))
        == ""
    )


def test_a_format_that_nothing_knows_is_compared_by_its_bytes(tmp_path):
    assert two(tmp_path, "a.bin", b"1", b"1") == ""
    assert "nothing here knows this format" in two(tmp_path, "a.bin", b"1", b"2")


@pytest.mark.parametrize(
    "name", ["a.png", "a.fits", "a.ipynb", "a.vot", "a.parquet", "a.npz", "a.json", "a.csv.gz"]
)
def test_a_file_that_cannot_be_read_differs_and_ends_nothing(tmp_path, name):
    assert "cannot be read" in two(tmp_path, name, b"no such thing", b"nor this")


def test_the_results_of_two_runs_are_compared_file_by_file(tmp_path):
    first, second = tmp_path / "1", tmp_path / "2"
    for folder, texts in (
        (first, {"a.csv": "x\n1\n", "b.txt": "b"}),
        (second, {"a.csv": "x\n2\n", "c.txt": "c"}),
    ):
        folder.mkdir()
        for name, text in texts.items():
            (folder / name).write_text(text)
    found = differences(first, describe_results(first, {}), second, describe_results(second, {}))
    assert found == {
        "a.csv": "row 1, x: 1 became 2",
        "b.txt": "only the first run made it",
        "c.txt": "only the second run made it",
    }


def test_rows_are_counted_where_there_are_any(tmp_path):
    for name, text in {"a.csv": "x\n1\n2\n", "a.json": "[1, 2]", "a.txt": "no table"}.items():
        (tmp_path / name).write_text(text)
    assert [rows_of(tmp_path / name) for name in ("a.csv", "a.json", "a.txt", "gone.csv")] == [
        2,
        2,
        None,
        None,
    ]
