"""Pages of projects, from the running service."""

import re
import shutil
import subprocess
from html import unescape
from unittest.mock import patch

import pytest

from tests.support.avis import notebook, star_counter
from tests.support.git_client import begun
from tests.support.service import pages_of


@pytest.fixture
async def pushed(service, tmp_path):
    folder = star_counter(tmp_path / "work")
    (folder / "odd folder").mkdir()
    (folder / "odd folder" / "a & b <i>.py").write_text("print('<script>')")
    (folder / "shown.ipynb").write_text(notebook("print('shown')"))
    place = service.url.replace("://", "://me:dora-token@")
    clone = await begun(folder, f"{place}/services/gavip/git/stars.git")
    await clone.did("tag", "v1.0")
    await clone.did("push", "-q", "origin", "main", "v1.0")
    return clone


async def links(page) -> list[str]:
    return [unescape(link) for link in re.findall(r'href="/services/gavip([^"]*)"', page.text)]


async def test_a_project_is_made_and_teaches_its_first_push(portal):
    made = await portal.post("/projects", data={"name": "fresh"})
    assert (made.status_code, made.headers["Location"]) == (303, "/services/gavip/projects/fresh")
    page = await portal.get("/projects/fresh")
    assert "Nothing was pushed yet" in page.text
    assert "/services/gavip/git/fresh.git" in page.text
    assert "/projects/fresh" in await links(await portal.get("/projects"))


async def test_a_name_that_is_no_avis_is_refused_in_words(portal):
    answer = await portal.post("/projects", data={"name": "../up"})
    assert answer.status_code == 400
    assert "2 to 20 lower-case letters" in unescape(answer.text)


async def test_files_history_and_releases_are_shown(portal, pushed):
    page = await portal.get("/projects/stars")
    assert "as it is" in page.text
    assert "/avis/stars?version=1.0" in await links(page)
    assert "/projects/stars/files/app.ipynb" in await links(page)


async def test_an_odd_name_is_followed_and_its_text_shown_as_text(portal, pushed):
    folder = await portal.get("/projects/stars/files/odd%20folder")
    [link] = [link for link in await links(folder) if link.endswith(".py")]
    page = await portal.get(link)
    assert page.status_code == 200
    assert "print(&#39;&lt;script&gt;&#39;)" in page.text
    assert "<script>" not in page.text


async def test_a_notebook_is_rendered_in_a_sandbox(portal, pushed):
    assert (
        "/projects/stars/content/shown.ipynb" in (await portal.get("/projects/stars/files/shown.ipynb")).text
    )
    content = await portal.get("/projects/stars/content/shown.ipynb")
    assert "shown" in content.text
    assert content.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")


async def test_a_file_is_kept_as_an_attachment(portal, pushed):
    raw = await portal.get("/projects/stars/raw/avi.toml")
    assert raw.content == (pushed.folder / "avi.toml").read_bytes()
    assert raw.headers["Content-Disposition"].startswith("attachment")


@pytest.mark.parametrize(
    "path", ["none", "../stars.git/HEAD", "pipelines/../../x", "app.ipynb/x", "a%0Ab", "%2e%2e"]
)
async def test_what_is_not_there_is_not_found(portal, pushed, path):
    for kind in ("files", "content", "raw"):
        assert (await portal.get(f"/projects/stars/{kind}/{path}")).status_code == 404


async def test_an_owner_shares_and_withdraws(service, portal, pushed):
    async with pages_of(service, "ann-token") as ann:
        assert (await ann.get("/projects/stars")).status_code == 404
        await portal.post("/projects/stars/share", data={"user": "ann", "may": "read"})
        seen = await ann.get("/projects/stars")
        assert (seen.status_code, "Make public" in seen.text) == (200, False)
        assert "/projects/stars" in await links(await ann.get("/avis/stars"))
        await portal.post("/projects/stars/unshare", data={"user": "ann"})
        assert (await ann.get("/projects/stars")).status_code == 404


async def test_a_release_is_made_public_by_its_button(service, portal, pushed):
    async with pages_of(service, "ann-token") as ann:
        assert (await ann.get("/avis/stars")).status_code == 404
        await portal.post("/projects/stars/release", data={"version": "1.0", "visibility": "public"})
        assert (await ann.get("/avis/stars")).status_code == 200
        # Its repository is another matter.
        assert (await ann.get("/projects/stars/files/app.ipynb")).status_code == 404


@pytest.mark.parametrize(
    ("act", "sent"),
    [
        ("share", {"user": ""}),
        ("share", {"user": "ann", "may": "own"}),
        ("source", {}),
        ("release", {"visibility": "x"}),
    ],
)
async def test_a_form_that_says_nothing_is_refused(portal, pushed, act, sent):
    assert (await portal.post(f"/projects/stars/{act}", data=sent)).status_code == 400


@pytest.mark.parametrize("address", ["/git/stars.git", "/git/stars", "/git/stars.git/"])
async def test_a_repositorys_address_in_a_browser_leads_to_its_page(portal, address):
    answer = await portal.get(address)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/services/gavip/projects/stars")


async def test_a_project_whose_repository_was_not_made_teaches_its_first_push(service, portal):
    await portal.post("/projects", data={"name": "fresh"})
    shutil.rmtree(service.root / "repositories/fresh.git")
    page = await portal.get("/projects/fresh")
    assert (page.status_code, "Nothing was pushed yet" in page.text) == (200, True)


@pytest.mark.parametrize("path", ["", "/files/pipelines", "/files/avi.toml", "/edit/avi.toml"])
async def test_a_page_of_a_repository_starts_git_twice(portal, pushed, path):
    with patch("subprocess.Popen", wraps=subprocess.Popen) as started:
        assert (await portal.get(f"/projects/stars{path}")).status_code == 200
    assert sum("git" in call.args[0] for call in started.call_args_list) == 2
