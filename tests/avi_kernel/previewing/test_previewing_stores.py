"""Parquet, HDF5 and pictures."""

import io

import h5py
import numpy as np
import pyarrow as pa
import pytest
from PIL import Image
from pyarrow import parquet

from avi_kernel.previewing.raster import LARGEST_SIDE
from avi_kernel.previewing.words import Unreadable
from tests.support.previews import read, seen


def parquet_of(count: int, rows: int = 70) -> bytes:
    field = pa.field("ra", pa.float64(), metadata={"unit": "deg", "description": "right ascension"})
    schema = pa.schema([pa.field("id", pa.int64()), field, pa.field("near", pa.list_(pa.int64()))])
    columns = [list(range(count)), [row / 2 for row in range(count)], [[row] for row in range(count)]]
    stream = io.BytesIO()
    table = pa.table([pa.array(values) for values in columns], names=schema.names).cast(schema)
    parquet.write_table(table, stream, row_group_size=rows)
    return stream.getvalue()


def test_pages_of_parquet_go_through_its_row_groups_without_a_gap():
    content = parquet_of(250)
    numbers, page = [], ""
    while page is not None:
        view = seen(content, "parquet", page=page)
        numbers += [int(row[0]) for row in view.table.rows]
        page = view.next
    assert numbers == list(range(250))
    assert (view.table.first, view.table.total) == (201, 250)


def test_parquet_tells_types_units_and_descriptions():
    ra = seen(parquet_of(3), "parquet").table.columns[1]
    assert (ra.name, ra.type, ra.unit, ra.about, ra.number) == (
        "ra",
        "double",
        "deg",
        "right ascension",
        True,
    )


def test_an_empty_parquet_has_columns_and_no_rows():
    table = seen(parquet_of(0), "parquet").table
    assert (len(table.columns), table.rows, table.total) == (3, [], 0)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" + b"\xff" * 100 + b"\xff\xff\xff\x7fPAR1"])
def test_what_is_no_parquet_is_told_in_a_sentence(content):
    with pytest.raises(Unreadable, match="Parquet"):
        seen(content, "parquet")


@pytest.fixture(scope="module")
def stored() -> bytes:
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        group = file.create_group("spectra")
        group.attrs["telescope"] = "VLT"
        group["flux"] = np.arange(250.0)
        group["flux"].attrs["unit"] = "Jy"
        group["image"] = np.arange(12).reshape(3, 4)
        file["stars"] = np.array([(1, 2.5), (2, 3.5)], dtype=[("id", "i4"), ("mag", "f8")])
        file["answer"] = 42
        group["loop"] = file["/"]
        file["soft"] = h5py.SoftLink("/nowhere")
        file["outside"] = h5py.ExternalLink("/etc/passwd", "/")
    return stream.getvalue()


def test_an_hdf5_file_lists_what_it_holds_and_follows_no_link(stored):
    parts = {part.id: (part.kind, part.about) for part in seen(stored, "hdf5").parts}
    assert parts["/spectra/flux"] == ("dataset", "250, float64")
    assert parts["/spectra/image"] == ("dataset", "3 x 4, int64")
    assert parts["/soft"][0] == parts["/outside"][0] == "link"
    assert not any(name.startswith("/spectra/loop/") for name in parts)


def test_values_of_a_dataset_are_paged_and_its_attributes_shown(stored):
    view = seen(stored, "hdf5", part="/spectra/flux", page="200")
    assert (view.table.rows[0], view.table.first, view.table.total) == (["200.0"], 201, 250)
    assert [(card.key, card.value) for card in view.cards] == [("unit", "Jy")]


def test_datasets_of_two_axes_of_records_and_of_one_value_are_tables(stored):
    assert seen(stored, "hdf5", part="/spectra/image").table.rows[1] == ["4", "5", "6", "7"]
    stars = seen(stored, "hdf5", part="/stars").table
    assert ([column.name for column in stars.columns], stars.rows[0]) == (["id", "mag"], ["1", "2.5"])
    assert seen(stored, "hdf5", part="/answer").table.rows == [["42"]]


def test_a_part_that_is_not_listed_is_not_opened(stored):
    for part in ("/outside", "/nowhere", "/spectra/loop/spectra"):
        with pytest.raises(Unreadable, match="among those that are listed"):
            seen(stored, "hdf5", part=part)


def hdf5(**made) -> bytes:
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        file.create_dataset("x", **made)
    return stream.getvalue()


def test_a_dataset_of_a_huge_shape_shows_what_is_first():
    content = hdf5(shape=(10**9, 10**6), dtype="f8", chunks=(10, 10))
    view = seen(content, "hdf5")
    assert len(view.table.rows) == 100
    assert view.table.columns_left_out == 10**6 - len(view.table.columns)


def test_a_dataset_packed_in_huge_pieces_is_not_unpacked():
    content = hdf5(shape=(10**4, 10**4), dtype="f8", chunks=(10**4, 10**4), compression="gzip")
    assert "pieces of 762 MB" in seen(content, "hdf5").problem


def test_a_dataset_whose_values_lie_in_another_file_is_not_followed():
    content = hdf5(shape=(10,), dtype="u1", external=[("/etc/passwd", 0, 10)])
    assert "other files" in seen(content, "hdf5").problem


@pytest.mark.parametrize("content", [b"", b"\x89HDF\r\n\x1a\n" + b"\xff" * 200])
def test_what_is_no_hdf5_is_told_in_a_sentence(content):
    with pytest.raises(Unreadable, match="HDF5"):
        seen(content, "hdf5")


def png(width: int, height: int) -> bytes:
    stream = io.BytesIO()
    Image.new("1", (width, height)).save(stream, "PNG")
    return stream.getvalue()


def test_a_picture_is_made_small_and_anew():
    content = png(4000, 100) + b"<script>alert(1)</script>"
    answer = read(content, "image", picture=True)
    assert answer.view["image"] == {"width": 4000, "height": 100, "step": 3}
    assert Image.open(io.BytesIO(answer.png)).size == (LARGEST_SIDE, 40)
    assert b"script" not in answer.png


def test_a_picture_of_too_many_pixels_is_not_decoded():
    with pytest.raises(Unreadable, match="20000 x 20000 pixels"):
        read(png(20_000, 20_000), "image", picture=True)


@pytest.mark.parametrize("content", [b"", b"<svg/>", b"%PDF-1.7", png(50, 50)[:40]])
def test_what_is_no_picture_is_told_in_a_sentence(content):
    with pytest.raises(Unreadable, match=r"\.$"):
        read(content, "image", picture=True)
