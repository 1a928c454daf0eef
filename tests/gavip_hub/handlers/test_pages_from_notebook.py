"""The page for new projects with a notebook chosen by its address, as JupyterLab's button and the list of files lead there."""

from html import unescape

import pytest

from tests.support.avis import notebook
from tests.support.git_client import Clone
from tests.support.service import pages_of

EVIL = '"><img src=x onerror=alert(1)>'


@pytest.fixture
def space(service):
    """Dora's space: a notebook of hers, one with a hostile name and words, noise, and links out of it."""
    root = service.service.core.config.root
    folder = root / "users" / "dora" / "work"
    folder.mkdir(parents=True)
    (folder / "cone.ipynb").write_text(notebook("print(radius)", parameters="radius = 2.0  # [deg]"))
    (folder / f"{EVIL}.ipynb").write_text(notebook("print(a)", parameters=f"a = {EVIL!r}"))
    (folder / "noise.ipynb").write_text("noise")
    (folder / "link.ipynb").symlink_to(folder / "cone.ipynb")
    return folder


async def chosen(portal, path):
    page = await portal.get("/projects", params={"notebook": path})
    assert page.status_code == 200
    return unescape(page.text)


async def test_the_notebook_is_filled_in_and_its_parameters_are_shown(portal, space):
    page = await chosen(portal, "work/cone.ipynb")
    assert 'name="notebook" value="work/cone.ipynb"' in page
    assert "Parameter radius: float, 2.0 deg by default" in page
    assert "Author and licence in avi.toml." in page


async def test_looking_makes_nothing(portal, space):
    await chosen(portal, "work/cone.ipynb")
    assert "No project yet" in (await portal.get("/projects")).text


@pytest.mark.parametrize(
    "path",
    [
        "work/none.ipynb",
        "work/link.ipynb",
        "../ann/x.ipynb",
        "/etc/passwd",
        "work",
        "work/cone.ipynb/x.ipynb",
    ],
)
async def test_what_is_no_notebook_of_the_askers_is_refused_in_words(portal, space, path):
    page = await chosen(portal, path)
    assert "No AVI can be made of" in page
    assert "as <code>work/my-stars.ipynb</code>" in page


async def test_a_notebook_that_cannot_be_wrapped_says_why(portal, space):
    assert "is not a notebook: it is not JSON" in await chosen(portal, "work/noise.ipynb")


@pytest.mark.parametrize("path", [f"work/{EVIL}.ipynb", EVIL, f"{EVIL}.ipynb"])
async def test_hostile_names_and_words_are_shown_as_text(portal, space, path):
    page = await portal.get("/projects", params={"notebook": path})
    assert "<img src=x" not in page.text
    assert "&lt;img src=x" in page.text


async def test_a_path_that_is_too_long_is_not_cut_to_another_one(portal, space):
    page = await chosen(portal, "work/cone.ipynb" + "/" * 2000)
    assert "more than 1000 letters" in page
    assert 'name="notebook" value=""' in page


async def test_another_ones_notebook_is_not_told_of(service, space):
    theirs = service.service.core.config.root / "users" / "ann"
    theirs.mkdir()
    (theirs / "cone.ipynb").write_text(notebook("print(secret)", parameters="secret = 1"))
    async with pages_of(service, "dora-token") as dora:
        for path in ("../ann/cone.ipynb", "/home/ann/cone.ipynb", str(theirs / "cone.ipynb")):
            assert "Parameter secret" not in await chosen(dora, path)


async def test_who_makes_no_projects_is_told_whom_to_ask(service, space):
    async with pages_of(service, "ann-token") as ann:
        page = await chosen(ann, "work/cone.ipynb")
    assert "ask your operator for that role, or give" in page
    assert 'name="notebook"' not in page


@pytest.mark.parametrize("address", ["/files?path=work", "/servers"])
async def test_pages_name_the_button_to_those_whom_it_helps(service, portal, space, address):
    assert "<em>Make an AVI</em>" in (await portal.get(address)).text
    async with pages_of(service, "ann-token") as ann:
        assert "Make an AVI" not in (await ann.get(address.partition("?")[0])).text


async def test_what_is_left_to_decide_is_shown_until_the_first_release(service, portal, space, tmp_path):
    await portal.post("/projects", data={"name": "cones", "notebook": "work/cone.ipynb"})
    place = service.url.replace("://", "://me:dora-token@")
    await Clone(tmp_path).did("clone", "-q", f"{place}/services/gavip/git/cones.git", "cones")
    clone = Clone(tmp_path / "cones")
    await clone.did("commit", "-qm", "More", "--allow-empty")
    await clone.did("push", "-q", "origin", "main")
    page = await portal.get("/projects/cones")
    assert "To decide:" in page.text.partition("<details open>")[2]
    await portal.post("/projects/cones/publish", data={"version": "1.0.0"})
    released = await portal.get("/projects/cones")
    assert "To decide:" in released.text
    assert "<details open>" not in released.text
