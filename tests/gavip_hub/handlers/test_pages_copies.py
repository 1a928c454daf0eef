"""Pages of a working copy, from the running service."""

import re
from html import unescape

import pytest

from tests.support.avis import star_counter
from tests.support.git_client import begun
from tests.support.service import pages_of


@pytest.fixture
async def clone(service, tmp_path):
    """The star counter, pushed."""
    place = service.url.replace("://", "://me:dora-token@")
    made = await begun(star_counter(tmp_path / "work"), f"{place}/services/gavip/git/stars.git")
    await made.did("push", "-q", "origin", "main")
    return made


@pytest.fixture
async def folder(service, portal, clone):
    """The developer's working copy, with one file changed."""
    made = await portal.post("/projects/stars/edit")
    assert (made.status_code, made.headers["Location"]) == (303, "/services/gavip/projects/stars/copy")
    found = service.root / "users" / "dora" / "projects" / "stars"
    (found / "notes.md").write_text("<b>Mine</b>\n")
    return found


async def form(portal) -> dict[str, str]:
    """Return what the form of the page carries."""
    page = await portal.get("/projects/stars/copy")
    assert page.status_code == 200, page.text
    return dict(re.findall(r'name="(main|base|digest)" value="([^"]*)"', page.text))


async def test_a_copy_is_opened_in_lab_from_its_page(portal, folder):
    page = (await portal.get("/projects/stars/copy")).text
    assert 'href="/hub/user-redirect/lab/tree/projects/stars"' in page
    assert 'href="/hub/user-redirect/lab/tree/projects/stars/app.ipynb"' in page


async def test_what_differs_is_shown_as_text_and_taken(portal, folder, clone):
    page = (await portal.get("/projects/stars/copy")).text
    assert "+&lt;b&gt;Mine&lt;/b&gt;" in page
    taken = await portal.post("/projects/stars/take", data={**await form(portal), "message": "Notes"})
    assert (taken.status_code, taken.headers["Location"]) == (303, "/services/gavip/projects/stars")
    assert "Notes" in (await portal.get("/projects/stars")).text
    await clone.did("pull", "-q", "origin", "main")
    assert (clone.folder / "notes.md").read_text() == "<b>Mine</b>\n"


async def test_what_changed_since_is_shown_instead_of_taken(portal, folder, clone):
    seen = await form(portal)
    (folder / "notes.md").write_text("Another's\n")
    refused = await portal.post("/projects/stars/take", data={**seen, "message": "My <words>"})
    assert refused.status_code == 409
    assert "Your folder has changed since you looked at it" in unescape(refused.text)
    assert "+Another" in refused.text
    assert 'value="My &lt;words&gt;"' in refused.text
    await clone.did("fetch", "-q", "origin")
    assert await clone.did("rev-parse", "origin/main") == await clone.did("rev-parse", "main")


async def test_a_push_from_elsewhere_is_joined(portal, folder, clone):
    (clone.folder / "other.md").write_text("Other\n")
    await clone.did("add", "-A")
    await clone.did("commit", "-qm", "From elsewhere")
    await clone.did("push", "-q", "origin", "main")
    await portal.post("/projects/stars/take", data={**await form(portal), "message": "Notes"})
    await clone.did("pull", "-q", "origin", "main")
    assert (clone.folder / "notes.md").exists()
    assert (clone.folder / "other.md").exists()


async def test_a_form_without_what_was_seen_takes_nothing(portal, folder):
    assert (await portal.post("/projects/stars/take", data={"message": "Notes"})).status_code == 409


async def test_neither_clone_nor_fetch_tells_whose_copies_there_are(portal, folder, clone):
    assert "refs/gavip" not in await clone.did("ls-remote", "origin")


async def test_another_has_no_page_of_it(service, folder):
    async with pages_of(service, "ann-token") as ann:
        assert (await ann.get("/projects/stars/copy")).status_code in {403, 404}
        assert (await ann.post("/projects/stars/take", data={"message": "x"})).status_code in {403, 404}
