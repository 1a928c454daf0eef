"""Pages of one's own files, from the running service."""

import os
import re
from html import unescape

import pytest

from tests.support.avis import notebook
from tests.support.service import pages_of

ODD = "a & b <i> #1?.csv"


@pytest.fixture
def space(service):
    """Dora's space: a notebook, an odd name, something hidden, and a link out of it."""
    root = service.service.core.config.root
    folder = root / "users" / "dora" / "work"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "cone.ipynb").write_text(notebook("print('cone')"))
    (folder / ODD).write_text("ra,dec")
    (folder / ".hidden").write_text("no")
    (root / "secret.txt").write_text("SECRET")
    (folder / "link.txt").symlink_to(root / "secret.txt")
    return folder


def links(page) -> list[str]:
    found = re.findall(r'href="/services/gavip(/[^"]*)"', page.text)
    return [unescape(link) for link in found]


async def test_a_folder_leads_to_its_files_and_each_comes_as_an_attachment(portal, space):
    top = await portal.get("/files")
    assert "/files?path=work" in links(top)
    folder = await portal.get("/files?path=work")
    [odd] = [link for link in links(folder) if link.endswith(".csv")]
    assert (await portal.get(odd)).status_code == 200
    [kept_at] = [link for link in links(await portal.get(odd)) if link.startswith("/files/content")]
    kept = await portal.get(kept_at)
    assert (kept.status_code, kept.text) == (200, "ra,dec")
    assert kept.headers["Content-Disposition"].startswith("attachment")
    assert "sandbox" in kept.headers["Content-Security-Policy"]


async def test_names_are_shown_as_text_and_nothing_hidden_or_linked_at_all(portal, space):
    page = await portal.get("/files?path=work")
    assert "<i>" not in page.text
    assert ".hidden" not in page.text
    assert "link.txt" not in page.text


@pytest.mark.parametrize(
    "path", ["work/link.txt", "../../secret.txt", "work/.hidden", "work", "", "work/none"]
)
async def test_what_is_no_file_of_theirs_is_refused(portal, space, path):
    answer = await portal.get("/files/content", params={"path": path})
    assert answer.status_code in {400, 404, 422}
    assert "SECRET" not in answer.text


async def test_a_notebook_leads_to_a_new_project_of_it(portal, space):
    folder = await portal.get("/files?path=work")
    [link] = [link for link in links(folder) if link.startswith("/projects?")]
    page = await portal.get(link)
    assert 'value="work/cone.ipynb"' in page.text


async def test_nobody_sees_anothers_files(service, space):
    async with pages_of(service, "ann-token") as other:
        assert (await other.get("/files?path=work")).status_code == 404
        assert (await other.get("/files/content", params={"path": "work/cone.ipynb"})).status_code == 404


async def test_a_name_that_is_no_text_fails_no_page(portal, space):
    (space / os.fsdecode(b"\xff.csv")).write_text("ra,dec")
    (space / "two\nlines.csv").write_text("ra,dec")
    page = await portal.get("/files?path=work")
    assert page.status_code == 200
    for link in links(page):
        if "/view" in link:
            assert (await portal.get(link)).status_code == 200
