"""Import and mirror, from the running service: by the API and on the pages; real git on both sides."""

import threading
from html import unescape

import pytest

from gavip_hub.storage.git import Git
from tests.support.avis import star_counter
from tests.support.git_client import begun
from tests.support.git_server import repository, run_git, serving
from tests.support.service import until


@pytest.fixture
def place(tmp_path, service):
    work = star_counter(tmp_path / "avi")
    files = {str(path.relative_to(work)): path.read_bytes() for path in work.rglob("*") if path.is_file()}
    repository(tmp_path / "there" / "stars.git", files=files)
    with serving(tmp_path / "there") as place:
        service.service.core.config.inner_git_hosts = [place.address]
        yield place


@pytest.fixture
async def dora(service):
    async with service.client("dora-token") as client:
        yield client


async def ended(client, avi="stars"):
    async def is_over():
        told = (await client.get(f"/projects/{avi}/import")).json()
        return told if told["state"] in {"done", "failed"} else None

    return await until(is_over)


async def test_a_project_is_imported_and_its_tag_released_by_a_push(service, place, dora, tmp_path):
    begun_ = await dora.post("/projects/stars/import", json={"url": place.url()})
    assert (begun_.status_code, begun_.json()["state"]) == (202, "waiting")
    told = await ended(dora)
    assert told["state"] == "done", told
    assert (await dora.get("/avis/stars/releases")).status_code == 404
    url = f"{service.url.replace('://', '://me:dora-token@')}/services/gavip/git/stars.git"
    clone = await begun_clone(tmp_path / "clone", url)
    await clone.did("fsck", "--strict")
    await clone.did("push", "-q", "--delete", "origin", "v1.0")
    assert "Released stars 1.0 (private)" in await clone.did("push", "origin", "v1.0")


async def begun_clone(folder, url):
    folder.mkdir()
    (folder / "x").write_text("x")
    clone = await begun(folder, url, branch="mine")
    await clone.did("fetch", "-q", "--tags", "origin")
    return clone


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://127.0.0.1:1/a.git", "must begin with https"),
        ("https://localhost/a.git", "not open to all"),
        ("https://me:secret@git.example.org/a.git", "a token is given apart"),
    ],
)
async def test_a_bad_address_is_refused_at_once(dora, url, words):
    answer = await dora.post("/projects/stars/import", json={"url": url})
    assert (answer.status_code, answer.json()["field"]) == (400, "url")
    assert words in answer.json()["message"]
    assert "secret" not in answer.text


async def test_an_import_is_begun_and_followed_on_its_page(service, place, portal, dora, tmp_path):
    release = threading.Event()
    place.answer = lambda _: not release.wait(30)
    sent = await portal.post("/projects", data={"name": "stars", "url": place.url()})
    assert (sent.status_code, sent.headers["Location"]) == (303, "/services/gavip/projects/stars")
    page = unescape((await portal.get("/projects/stars")).text)
    assert "Importing from" in page
    assert 'http-equiv="refresh"' in page
    assert "data-soon" in page
    second = await portal.post("/projects", data={"name": "moons", "url": place.url()})
    assert (second.status_code, "You import stars now" in unescape(second.text)) == (409, True)
    release.set()
    assert (await ended(dora))["state"] == "done"
    page = unescape((await portal.get("/projects/stars")).text)
    assert "No tag became a release by itself (v1.0)" in page
    assert 'http-equiv="refresh"' not in page
    assert "data-soon" not in page


async def test_a_failed_import_says_its_cause_on_the_page(place, portal, dora):
    await portal.post("/projects", data={"name": "stars", "url": place.url("none.git")})
    await ended(dora)
    assert "there is no such repository, or it is private" in (await portal.get("/projects/stars")).text


async def test_a_push_is_pushed_on(service, place, portal, dora, tmp_path):
    there = tmp_path / "there" / "mirror.git"
    Git(there).make()
    run_git(there, "config", "http.receivepack", "true")
    url = f"{service.url.replace('://', '://me:dora-token@')}/services/gavip/git/moons.git"
    clone = await begun(star_counter(tmp_path / "moons"), url)
    await clone.did("push", "-q", "origin", "main")
    form = {"url": place.url("mirror.git"), "token": "s3cret-token"}
    assert (await portal.post("/projects/moons/mirror", data=form)).status_code == 303

    async def is_there(name):
        return name in run_git(there, "for-each-ref", "--format=%(refname)").split()

    await until(lambda: is_there("refs/heads/main"))
    await clone.did("tag", "v1.0")
    await clone.did("push", "-q", "origin", "v1.0")
    await until(lambda: is_there("refs/tags/v1.0"))

    async def is_done():
        return (await dora.get("/projects/moons/mirror")).json()["state"] == "done"

    await until(is_done)
    page = (await portal.get("/projects/moons")).text
    assert place.url("mirror.git") in page
    assert "s3cret" not in page
    assert (await portal.post("/projects/moons/unmirror")).status_code == 303
    assert (await dora.get("/projects/moons/mirror")).status_code == 404


async def test_a_mirror_that_fails_says_why_on_the_page(place, portal, dora):
    await portal.post("/projects", data={"name": "stars", "url": place.url()})
    await ended(dora)
    place.answer = lambda request: request.say(403)
    assert (await dora.post("/projects/stars/mirror", json={"url": place.url()})).status_code == 200

    async def has_failed():
        return (await dora.get("/projects/stars/mirror")).json()["message"]

    assert "it refuses this" in await until(has_failed)
    assert "The last time that failed: it refuses this" in (await portal.get("/projects/stars")).text


async def test_an_interface_imports_and_mirrors_nothing(service):
    service.publish()
    async with service.client("ann-stars-token") as interface:
        for act in ("import", "mirror"):
            answer = await interface.post(f"/projects/stars/{act}", json={"url": "https://git.example.org/a"})
            assert answer.status_code == 403
