"""Names and contents that no honest person gives, on pages and in what is sent: the large families are on a whole platform."""

import io
import re
import zipfile
from itertools import product

import pytest

from gavip_hub.storage.zipping import Packed, zipped
from tests.support.hostile_contents import SVG, TAG
from tests.support.hostile_names import NOWHERE, REFUSED, TAKEN


@pytest.fixture
def space(service):
    """Dora's space, with a file of each name."""
    folder = service.service.core.config.root / "users" / "dora" / "odd"
    folder.mkdir(parents=True)
    for name in TAKEN:
        (folder / name).write_text(TAG)
    return folder


async def test_names_are_words_on_every_page(portal, space):
    page = (
        await portal.get("/files", params={"path": "odd", "rename": "<img src=x onerror=alert(1)>.csv"})
    ).text
    found = (await portal.get("/files/find", params={"text": "a"})).text
    for text in (page, found):
        assert "<img src=x" not in text
        assert 'x=".txt' not in text
        assert "<script>alert" not in text
        assert not re.search(r"""href=["']?(javascript|data):""", text)
    assert page.count('aria-label="Choose ') == len(TAKEN)


async def test_a_file_of_any_name_is_sent_as_an_attachment(portal, space):
    for door, name in product(("files", "api/data"), TAKEN):
        answer = await portal.get(f"/{door}/content", params={"path": f"odd/{name}"})
        assert answer.content == TAG.encode(), (door, name)
        told = answer.headers["Content-Disposition"]
        assert re.fullmatch(r"attachment; filename\*=UTF-8''[A-Za-z0-9_.~%-]+", told), name


async def test_names_that_mislead_are_not_shown_and_paths_lead_nowhere(portal, space):
    for name in REFUSED:
        if len(name) < 256:
            (space / name).write_text(TAG)
    listed = (await portal.get("/api/data", params={"path": "odd"})).json()["items"]
    assert {one["name"] for one in listed} == set(TAKEN)
    for path in (*NOWHERE, *(f"odd/{name}" for name in REFUSED)):
        for door in ("files/content", "api/data/digest"):
            assert (await portal.get(f"/{door}", params={"path": path})).status_code in {404, 422}, (
                door,
                path,
            )


async def test_a_vector_picture_is_shown_in_an_image_and_kept_where_one_goes_to_it(portal, space):
    (space / "a.svg").write_bytes(SVG)
    shown = await portal.get("/files/view/content", params={"path": "odd/a.svg"})
    assert shown.headers["Content-Type"] == "image/svg+xml"
    assert shown.headers["Content-Disposition"].startswith("attachment")
    assert shown.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")


def test_no_name_in_an_archive_leads_out_of_its_folder():
    names = ["..\\..\\up.txt", "C:up.txt", "odd/D:\\up.txt"]
    content = b"".join(zipped(Packed(name=name, modified=0, file=io.BytesIO(b"x"), size=1) for name in names))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.namelist() == [".._.._up.txt", "C_up.txt", "odd/D__up.txt"]
