"""FITS: extensions, headers, images and tables; and headers that lie."""

import gzip
import io

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from PIL import Image

from avi_kernel.previewing.words import ROWS, Unreadable
from tests.support.previews import outcome, read, seen

PIXELS = np.arange(30 * 40, dtype="f4").reshape(30, 40)


def written(*hdus) -> bytes:
    stream = io.BytesIO()
    fits.HDUList(list(hdus)).writeto(stream)
    return stream.getvalue()


def picture(content: bytes, **asked) -> Image.Image:
    return Image.open(io.BytesIO(read(content, "fits", picture=True, **asked).png))


@pytest.fixture(scope="module")
def observation() -> bytes:
    primary = fits.PrimaryHDU()
    primary.header["OBJECT"] = ("M31", "what was looked at")
    table = Table({"id": np.arange(250), "flux": np.arange(250) / 4, "name": [f"s{n}" for n in range(250)]})
    table["flux"].unit = "Jy"
    cube = fits.ImageHDU(np.arange(3 * 4 * 5, dtype="u2").reshape(3, 4, 5), name="CUBE")
    packed = fits.CompImageHDU(PIXELS, name="PACKED")
    return written(primary, fits.ImageHDU(PIXELS, name="SCI"), fits.table_to_hdu(table), cube, packed)


def test_a_file_shows_its_extensions_and_the_first_that_shows_something(observation):
    view = seen(observation, "fits")
    assert [(part.name, part.kind) for part in view.parts] == [
        ("PRIMARY", "header"),
        ("SCI", "image"),
        ("Extension 2", "table"),
        ("CUBE", "image"),
        ("PACKED", "image"),
    ]
    assert (view.part, view.parts[1].about) == ("1", "40 x 30")
    assert (view.image.width, view.image.height) == (40, 30)


def test_a_header_is_searched_by_key_value_and_comment(observation):
    for word in ("object", "m31", "looked"):
        view = seen(observation, "fits", part="0", find=word)
        assert [(card.key, card.value) for card in view.cards] == [("OBJECT", "M31")]
    assert seen(observation, "fits", part="0", find="no such").cards == []


def test_the_first_row_of_an_image_lies_below(observation):
    shown = picture(observation, part="1", cut="all").convert("L")
    assert shown.getpixel((0, 29)) == 0
    assert shown.getpixel((39, 0)) == 255


@pytest.mark.parametrize("stretch", ["linear", "sqrt", "log", "asinh"])
def test_each_stretch_keeps_the_order_of_values(observation, stretch):
    shown = np.asarray(picture(observation, part="1", cut="all", stretch=stretch).convert("L"))[::-1].ravel()
    assert (np.diff(shown.astype(int)) >= 0).all()
    assert (shown[0], shown[-1]) == (0, 255)


def test_cut_levels_are_those_that_are_given(observation):
    view = seen(observation, "fits", part="1", cut="levels", low=100.0, high=200.0)
    assert (view.image.low, view.image.high) == (100, 200)
    shown = np.asarray(picture(observation, part="1", cut="levels", low=100.0, high=200.0).convert("L"))
    assert shown[::-1].ravel()[100] == 0
    assert shown[::-1].ravel()[200] == 255


def test_a_plane_of_a_cube_is_shown_and_one_that_is_not_there_refused(observation):
    assert seen(observation, "fits", part="3", plane=2, cut="all").image.low == 40
    assert "planes 0 to 2" in seen(observation, "fits", part="3", plane=3).problem


def test_a_packed_image_is_shown(observation):
    assert seen(observation, "fits", part="4", cut="all").image.high == pytest.approx(1199, abs=1)
    assert picture(observation, part="4").size == (40, 30)


def test_an_image_of_nothing_but_blanks_is_shown():
    content = written(fits.PrimaryHDU(np.full((5, 5), np.nan)))
    assert seen(content, "fits").image.low == 0
    assert picture(content).size == (5, 5)


def test_a_large_image_is_thinned_out():
    content = written(fits.PrimaryHDU(np.zeros((3000, 2000), dtype="u1")))
    assert seen(content, "fits").image.step == 3
    assert picture(content).size == (667, 1000)


def test_pages_of_a_table_follow_one_another(observation):
    names, page = [], ""
    while page is not None:
        view = seen(observation, "fits", part="2", page=page)
        names += [row[2] for row in view.table.rows]
        page = view.next
    assert names == [f"s{row}" for row in range(250)]
    assert (view.table.first, view.table.total) == (201, 250)
    assert [(column.name, column.unit) for column in view.table.columns[:2]] == [("id", ""), ("flux", "Jy")]
    assert seen(observation, "fits", part="2", page="end").table.first == 201


def test_columns_of_each_format_have_values():
    columns = [
        fits.Column("list", "PJ()", array=np.array([[1, 2], [3]], dtype=object)),
        fits.Column("flag", "L", array=[True, False]),
        fits.Column("unsigned", "J", bzero=2**31, array=np.array([1, 2], dtype="u4")),
        fits.Column("vector", "3E", array=np.ones((2, 3))),
    ]
    texts = [fits.Column("a", "I5", array=[1, 2]), fits.Column("s", "A5", array=["x", "y"])]
    content = written(
        fits.PrimaryHDU(), fits.BinTableHDU.from_columns(columns), fits.TableHDU.from_columns(texts)
    )
    assert seen(content, "fits", part="1").table.rows[0] == ["(a list)", "True", "1", "1.0 1.0 1.0"]
    assert seen(content, "fits", part="2").table.rows == [["1", "x"], ["2", "y"]]


def test_a_packed_file_is_unpacked(observation):
    assert seen(gzip.compress(observation), "fits").parts[1].name == "SCI"


def lying(**cards) -> bytes:
    header = fits.PrimaryHDU(PIXELS).header.copy()
    header.update(cards)
    return header.tostring().encode() + bytes(2880)


@pytest.mark.parametrize(
    "cards",
    [
        {"NAXIS1": 10**6, "NAXIS2": 10**6},
        {"NAXIS1": 2**62, "NAXIS2": 2**62},
        {"NAXIS1": 1, "NAXIS2": 10**12},
    ],
)
def test_an_image_that_is_not_all_there_is_told_in_a_sentence(cards):
    assert outcome(lying(**cards), "fits").problem
    with pytest.raises(Unreadable):
        read(lying(**cards), "fits", picture=True)


@pytest.mark.parametrize("cards", [{"NAXIS1": -5}, {"BITPIX": 7}, {"NAXIS": 999}, {"NAXIS2": "many"}])
def test_a_header_of_nonsense_is_told_in_a_sentence(cards):
    view = outcome(lying(**cards), "fits")
    assert view.problem or view.image is None


def test_a_table_that_is_cut_shows_the_rows_that_are_there():
    content = written(fits.PrimaryHDU(), fits.table_to_hdu(Table({"x": np.arange(5000)})))
    view = seen(content[:20160], "fits", part="1")
    assert view.table.rows[1] == ["1"]
    assert len(view.table.rows) == ROWS
    assert "cut or damaged" in view.problem


@pytest.mark.parametrize(
    "content", [b"", b"SIMPLE", b"x" * 5000, b"\x1f\x8bnonsense", b"SIMPLE  =" + b" " * 9000]
)
def test_what_is_no_fits_is_told_in_a_sentence(content):
    with pytest.raises(Unreadable):
        seen(content, "fits")
