"""Pages of one's own files, from the running service."""

import io
import os
import re
import zipfile
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
    [looked_at] = {link for link in links(folder) if link.startswith("/files/view") and link.endswith(".csv")}
    assert (await portal.get(looked_at)).status_code == 200
    [odd] = {link for link in links(folder) if link.startswith("/files/content") and link.endswith(".csv")}
    kept = await portal.get(odd)
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
        if "/view" in link or "/content" in link:
            assert (await portal.get(link)).status_code == 200


async def act(portal, what: str, **fields):
    """Press a button of the page of `work`."""
    return await portal.post(f"/files/{what}", data={"here": "work", **fields})


def names(page) -> set[str]:
    return {unescape(name) for name in re.findall(r'aria-label="Choose ([^"]*)"', page.text)}


async def follow(portal, answer):
    assert answer.status_code == 303, answer.text
    return await portal.get(answer.headers["Location"].removeprefix("/services/gavip"))


async def test_a_folder_is_made_and_a_file_gets_a_new_name(portal, space):
    page = await follow(portal, await act(portal, "folder", name="maps"))
    assert names(page) == {"maps", "cone.ipynb", ODD}
    page = await follow(portal, await act(portal, "rename", path=f"work/{ODD}", name="even.csv"))
    assert names(page) == {"maps", "cone.ipynb", "even.csv"}


async def test_the_new_name_is_typed_in_the_row(portal, space):
    page = await portal.get("/files", params={"path": "work", "rename": ODD})
    assert f'value="{ODD.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")}"' in page.text
    assert 'id="renaming"' in page.text


async def test_what_is_deleted_comes_back_by_the_button_beside_the_words(portal, space):
    page = await follow(portal, await act(portal, "delete", path=[f"work/{ODD}", "work/cone.ipynb"]))
    assert "2 things moved to the bin." in page.text
    assert names(page) == set()
    [undo] = set(re.findall(r'name="undo" value="([^"]+)"', page.text))
    page = await follow(portal, await act(portal, "undo", undo=undo))
    assert names(page) == {"cone.ipynb", ODD}


async def test_the_bin_shows_what_was_deleted_and_gives_it_back(portal, space):
    await act(portal, "delete", path=f"work/{ODD}")
    page = await portal.get("/files/bin")
    assert "<i>" not in page.text
    [name] = set(re.findall(r'name="id" value="([^"]+)"', page.text))
    await follow(portal, await portal.post("/files/bin/restore", data={"id": name}))
    assert (space / ODD).read_text() == "ra,dec"
    assert (await portal.post("/files/bin/restore", data={"id": name})).status_code == 404
    await act(portal, "delete", path=f"work/{ODD}")
    page = await follow(portal, await portal.post("/files/bin/empty"))
    assert "1 thing deleted for good." in page.text
    assert "The bin is empty" in page.text


async def test_a_place_is_chosen_folder_by_folder(portal, space):
    (space / "maps" / "old").mkdir(parents=True)
    page = await portal.post("/files/place", data={"path": [f"work/{ODD}"], "to": "work"})
    assert 'value="work/maps"' in page.text
    page = await portal.post("/files/place", data={"path": [f"work/{ODD}"], "to": "work/maps"})
    assert 'value="work/maps/old"' in page.text
    await follow(portal, await act(portal, "copy", path=f"work/{ODD}", to="work/maps/old"))
    await follow(portal, await act(portal, "move", path=f"work/{ODD}", to="work/maps"))
    assert not (space / ODD).exists()
    assert (space / "maps" / ODD).read_text() == (space / "maps/old" / ODD).read_text() == "ra,dec"


async def test_a_folder_is_no_place_for_itself(portal, space):
    (space / "maps").mkdir()
    page = await portal.post("/files/place", data={"path": "work/maps", "to": "work"})
    assert "There are no folders in here" in page.text


@pytest.mark.parametrize(
    ("what", "fields", "words"),
    [
        ("folder", {"name": "a/b"}, "without a slash"),
        ("folder", {"name": ".ssh"}, "nothing hidden"),
        ("folder", {"name": "cone.ipynb"}, "is there already"),
        ("rename", {"path": "work/cone.ipynb", "name": ""}, "without a slash"),
        ("rename", {"name": "x"}, "is no path"),
        ("rename", {"path": "work/none", "name": "x"}, "There is no"),
        ("move", {"path": ["work/cone.ipynb", "work/none"], "to": ""}, "1 of 2 are done"),
        ("delete", {}, "Name 1 to"),
        ("undo", {"undo": "d1"}, "0 things put back"),
        ("upload", {}, "Choose a file first"),
        ("abandon", {"upload": "../x"}, "is not the name"),
    ],
)
async def test_what_cannot_be_done_is_said_on_the_page(portal, space, what, fields, words):
    answer = await act(portal, what, **fields)
    page = await follow(portal, answer) if answer.status_code == 303 else answer
    assert words in unescape(page.text)
    assert page.status_code < 500
    assert names(page)


async def test_a_small_file_comes_without_script(portal, space):
    files = {"file": ("..\\..\\evil/new.csv", b"ra,dec")}
    answer = await portal.post("/files/upload", data={"here": "work"}, files=files)
    assert "new.csv" in names(await follow(portal, answer))
    assert (space / "new.csv").read_bytes() == b"ra,dec"
    again = await portal.post("/files/upload", data={"here": "work"}, files=files)
    assert (again.status_code, "is there already" in again.text) == (409, True)


async def test_what_was_chosen_comes_as_one_archive(portal, space):
    answer = await portal.post("/files/zip", data={"path": [f"work/{ODD}", "work/cone.ipynb"]})
    assert answer.headers["Content-Type"] == "application/zip"
    assert answer.headers["Content-Disposition"] == "attachment; filename*=UTF-8''work.zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as packed:
        assert packed.namelist() == [ODD, "cone.ipynb"]


async def test_a_search_leads_to_what_it_found(portal, space):
    page = await portal.get("/files/find", params={"text": "csv", "path": "work"})
    assert "<i>" not in page.text
    [odd] = {link for link in links(page) if link.startswith("/files/view")}
    assert "ra" in (await portal.get(odd)).text
    assert "No name holds" in (await portal.get("/files/find", params={"text": "<b>none"})).text
    assert "What are you looking for" in (await portal.get("/files/find")).text


async def test_a_long_folder_comes_in_pages(portal, space, monkeypatch):
    monkeypatch.setattr("gavip_hub.handlers.file_pages.ON_A_PAGE", 2)
    for name in "abc":
        (space / name).touch()
    first = await portal.get("/files", params={"path": "work", "sort": "-name"})
    assert names(first) == {"c", "cone.ipynb"}
    [following] = [link for link in links(first) if link.endswith("page=2")]
    assert names(await portal.get(following)) == {"b", ODD}
    assert "no such page" in (await portal.get("/files", params={"path": "work", "page": "9"})).text


async def test_uploads_that_broke_off_are_listed_and_given_up(portal, space):
    begun = {"path": "work/large.fits", "size": 5_000_000, "sha256": "0" * 64}
    upload = (await portal.post("/api/data/uploads", json=begun)).json()["id"]
    shown = (await portal.get("/files?path=work")).text
    for words in ("Not finished", "large.fits", "0 B of 5", "kept until", "goes on where it broke off"):
        assert words in shown
    page = await follow(portal, await act(portal, "abandon", upload=upload))
    assert "The upload is given up." in page.text
    assert "Not finished" not in page.text
    assert "large.fits" not in page.text


async def test_what_is_given_up_twice_or_is_anothers_is_said_on_the_page(service, portal, space):
    begun = {"path": "work/large.fits", "size": 5_000_000, "sha256": "0" * 64}
    upload = (await portal.post("/api/data/uploads", json=begun)).json()["id"]
    async with pages_of(service, "ann-token") as other:
        assert "Not finished" not in (await other.get("/files")).text
        refused = await other.post("/files/abandon", data={"here": "", "upload": upload})
        assert (refused.status_code, "is finished, or was given up" in refused.text) == (404, True)
    await act(portal, "abandon", upload=upload)
    assert (await act(portal, "abandon", upload=upload)).status_code == 404


async def test_uploads_that_are_not_finished_tell_what_they_take_of_the_space(service, portal, space):
    begun = {"path": "work/large.fits", "size": 5_000_000, "sha256": "0" * 64}
    await portal.post("/api/data/uploads", json=begun)
    assert "they take 5 MB of your space" in (await portal.get("/files")).text
    service.service.core.quotas._config.quota["space_mb"] = None
    assert "of your space" not in (await portal.get("/files")).text


async def test_words_of_a_link_are_never_shown(portal, space):
    page = await portal.get("/files", params={"did": "<b>Sign in again at evil.example</b>", "n": "<b>"})
    assert "evil" not in page.text
    page = await portal.get("/files", params={"did": "deleted", "n": "1" * 5000})
    assert "things moved" not in page.text


async def test_who_may_only_read_is_offered_nothing_else(service, space):
    scopes = [f"custom:gavip:read:{what}!user=dora" for what in ("files", "avis")]
    service.hub.tokens["looks"] = {
        "kind": "user",
        "name": "dora",
        "roles": [],
        "groups": [],
        "scopes": scopes,
    }
    async with pages_of(service, "looks") as reader:
        page = await reader.get("/files?path=work")
        assert "Delete" not in page.text
        assert "Upload" not in page.text
        for what in ("folder", "rename", "move", "copy", "delete", "undo", "upload", "abandon"):
            assert (await act(reader, what, path=f"work/{ODD}")).status_code == 403
        for what in ("restore", "remove", "empty"):
            assert (await reader.post(f"/files/bin/{what}", data={"id": "d1-000"})).status_code == 403


async def test_what_jobs_made_is_copied_and_downloaded_and_offered_for_nothing_that_is_refused(portal, space):
    results = space.parent / "jobs" / "j1" / "1"
    results.mkdir(parents=True)
    (results / "map.csv").write_text("a")
    page = (await portal.get("/files?path=jobs/j1/1")).text
    assert "Copy chosen" in page
    for refused in ("data-upload", "New folder", "Delete", "Rename", "Move or copy"):
        assert refused not in page
    place = (await portal.get("/files/place", params={"path": "jobs/j1/1/map.csv", "to": "work"})).text
    assert ("Copy into work" in place, "Move into" in place) == (True, False)


async def test_folders_of_the_platform_are_no_place_and_have_no_way_to_the_bin(portal, space):
    (space.parent / "jobs").mkdir(exist_ok=True)
    (space.parent / "shared").mkdir(exist_ok=True)
    page = (await portal.get("/files")).text
    deleted = re.findall(r'name="path" value="([^"]*)" data-delete', page)
    assert "work" in deleted
    assert not {"jobs", "shared"} & set(deleted)
    place = (await portal.get("/files/place", params={"path": "work/cone.ipynb", "to": ""})).text
    offered = re.findall(r'name="to" value="([^"]+)"', place)
    assert "work" in offered
    assert not {"jobs", "shared"} & set(offered)
