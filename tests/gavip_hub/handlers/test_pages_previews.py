"""Kinds of files, notebooks as pages, and pages of previews from the running service: strangers' files."""

import hashlib
import io
import json
import re

import httpx
import nbformat
import numpy as np
import pytest
from astropy.io import fits
from PIL import Image

from avi_kernel.protocol.previews import PreviewAsk
from gavip_hub.domain.previews import kind_of
from gavip_hub.exceptions import NoRoom
from gavip_hub.handlers.notebook_page import NotebookPages, Unreadable
from gavip_hub.handlers.previews import Place, preview_of
from gavip_hub.services import previews
from gavip_hub.services.previews import Previews

CALLS = "<LINK rel=preconnect href=//elsewhere><base href=//elsewhere><meta http-equiv=refresh content='0;url=//elsewhere'>"
EVIL = "<script>alert(1)</script>"


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
        ("a.html", "text/html", "text"),
        ("a.parquet", "application/vnd.apache.parquet", "table"),
        ("a.fits", "", "file"),
        ("a.pdf", "application/pdf", "none"),
        ("a.bin", "", "none"),
    ],
)
def test_a_result_is_shown_by_its_kind(name: str, media_type: str, expected: str):
    assert preview_of(name, media_type) == expected


@pytest.mark.parametrize(
    ("name", "kind"),
    [("A.FITS", "fits"), ("a.fits.gz", "fits"), ("a.tar.gz", "none"), ("fits", "none"), ("a.h5", "hdf5")],
)
def test_a_kind_is_known_by_the_end_of_a_name(name: str, kind: str):
    assert kind_of(name) == kind


def test_the_address_of_another_page_keeps_how_the_file_is_shown():
    place = Place(page="/p", content="/c", download="/d", title="a", size=1, given={"path": "a b.fits"})
    ask = PreviewAsk(stretch="log", part="1", page="100")
    assert place.address(ask, page="200") == "/p?path=a+b.fits&part=1&page=200&stretch=log"
    assert place.picture(ask, "1") == "/c?path=a+b.fits&as=picture&part=1&stretch=log"


class Counted:
    """A program that counts how often it is asked."""

    def __init__(self, answer: bytes = b'{"kind": "text", "text": "hello"}\n') -> None:
        self.count = 0
        self._answer = answer

    async def answer(self, file, question: str) -> bytes:
        self.count += 1
        return self._answer


async def test_a_page_is_made_once_for_a_content_and_anew_for_another():
    program = Counted()
    made = Previews(program=program)
    for etag in ("1", "1", "2"):
        view = await made.of(io.BytesIO(), asker="ann", name="a.txt", etag=etag, ask=PreviewAsk())
        assert view.text == "hello"
    await made.of(io.BytesIO(), asker="ann", name="a.txt", etag="1", ask=PreviewAsk(page="5"))
    assert program.count == 3


async def test_an_answer_that_is_none_is_told_in_a_sentence():
    view = await Previews(program=Counted(b"nonsense")).of(
        io.BytesIO(), asker="ann", name="a.txt", etag="1", ask=PreviewAsk()
    )
    assert view.problem.endswith(".")


async def test_who_comes_when_many_wait_is_told_to_come_back(monkeypatch):
    monkeypatch.setattr(previews, "MOST_WAITING", 0)
    with pytest.raises(NoRoom):
        await Previews(program=Counted()).of(
            io.BytesIO(), asker="ann", name="a.txt", etag="1", ask=PreviewAsk()
        )


async def test_a_notebook_becomes_a_page_with_its_figures_and_no_request_elsewhere():
    cell = nbformat.v4.new_code_cell(
        "print(1)",
        outputs=[
            nbformat.v4.new_output("stream", text="one\n"),
            nbformat.v4.new_output("display_data", data={"image/png": "iVBORw0KGgo="}),
            nbformat.v4.new_output("display_data", data={"text/html": CALLS}),
        ],
    )
    notebook = nbformat.writes(nbformat.v4.new_notebook(cells=[cell])).encode()
    page = (await rendered(notebook)).decode()
    assert "one" in page
    assert "data:image/png;base64,iVBORw0KGgo=" in page
    assert "http:" not in page
    assert "https:" not in page
    assert "<script" not in page
    # No policy holds back who only opens a connection.
    assert page.count("//elsewhere") == 3
    assert not re.search(r"<link|<base|<meta (content|http)", page, re.IGNORECASE)


@pytest.mark.parametrize("data", [b"", json.dumps({"cells": 5, "nbformat": 4}).encode()])
async def test_what_is_no_notebook_is_told_in_a_sentence(data: bytes):
    with pytest.raises(Unreadable, match="cannot be rendered"):
        await rendered(data)


@pytest.fixture
def space(service):
    """Dora's space."""
    folder = service.service.core.config.root / "users" / "dora"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


async def seen(portal: httpx.AsyncClient, path: str, **asked: str) -> httpx.Response:
    return await portal.get("/files/view", params={"path": path, **asked})


def observation() -> bytes:
    stream = io.BytesIO()
    primary = fits.PrimaryHDU()
    primary.header["OBJECT"] = EVIL
    image = fits.ImageHDU(np.arange(1200.0).reshape(30, 40), name="SCI")
    fits.HDUList([primary, image]).writeto(stream)
    return stream.getvalue()


async def test_a_fits_file_shows_its_image_its_header_and_how_it_is_stretched(portal, space):
    (space / "m31.fits").write_bytes(observation())
    page = await seen(portal, "m31.fits", stretch="asinh")
    assert page.status_code == 200
    assert "/files/view/content?path=m31.fits&amp;as=picture&amp;part=1&amp;stretch=asinh" in page.text
    assert '<option value="asinh" selected>' in page.text
    assert "40 \N{MULTIPLICATION SIGN} 30 pixels" in page.text
    asked = {"path": "m31.fits", "part": "1", "stretch": "asinh"}
    picture = await portal.get("/files/view/content", params=asked)
    assert picture.headers["Content-Type"] == "image/png"
    assert "sandbox" in picture.headers["Content-Security-Policy"]
    assert Image.open(io.BytesIO(picture.content)).size == (40, 30)
    header = await seen(portal, "m31.fits", part="0", find="object")
    assert EVIL not in header.text
    assert "&lt;script&gt;" in header.text


async def test_a_table_is_paged_by_links(portal, space):
    (space / "a.csv").write_text("name,ra\n" + "".join(f"s{row},{row}\n" for row in range(250)))
    page = await seen(portal, "a.csv")
    assert 'rel="next"' in page.text
    assert '<td class="number">7</td>' in page.text
    assert (await seen(portal, "a.csv", page="end")).text.count("<tr>") == 101


async def test_no_file_brings_a_script_into_a_page(portal, space):
    contents = {
        "a.html": EVIL.encode(),
        "a.svg": f"<svg xmlns='http://www.w3.org/2000/svg'>{EVIL}</svg>".encode(),
        "a.pdf": b"%PDF-1.7 " + EVIL.encode(),
        "a.csv": f"name\n{EVIL}\n=cmd()\n".encode(),
        "a.vot": f"<VOTABLE>{EVIL}".encode(),
        "a.png": EVIL.encode(),
        "a.bin": EVIL.encode(),
    }
    for name, content in contents.items():
        (space / name).write_bytes(content)
        page = await seen(portal, name)
        assert page.status_code == 200, name
        assert EVIL not in page.text, name
        shown = await portal.get("/files/view/content", params={"path": name})
        assert shown.status_code in {200, 404}, name
        if shown.status_code == 200:
            assert shown.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")


async def test_a_page_that_no_file_has_is_refused_with_what_would_be(portal, space):
    (space / "a.fits").write_bytes(observation())
    assert (await seen(portal, "a.fits", stretch="cubic")).status_code == 422
    assert (await seen(portal, "a.fits", page="-1")).status_code == 422
    assert "extensions 0 to 1" in (await seen(portal, "a.fits", part="9")).text


async def test_what_is_no_file_of_theirs_has_no_preview(portal, space):
    (space / "jobs").mkdir()
    for path in ("none.csv", "../../secret.txt", ".hidden", "", "a\u202e.csv", "jobs"):
        for address in ("/files/view", "/files/view/content", "/api/data/preview"):
            answer = await portal.get(address, params={"path": path})
            assert answer.status_code in {404, 422}, (address, path)


async def test_the_api_tells_the_same_as_the_page(portal, space):
    (space / "a.csv").write_text("name,ra\ns1,1\n")
    view = (await portal.get("/api/data/preview", params={"path": "a.csv"})).json()
    assert (view["kind"], view["table"]["rows"]) == ("csv", [["s1", "1"]])
