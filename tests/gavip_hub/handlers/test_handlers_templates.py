"""Templates over HTTP and on the portal's pages: operators decide, developers begin with them."""

import pytest

from tests.support.git_client import begun
from tests.support.service import pages_of
from tests.support.templates import template_of


@pytest.fixture
async def olga(service):
    async with service.client("olga-token") as client:
        yield client


@pytest.fixture
async def dora(service):
    async with service.client("dora-token") as client:
        yield client


@pytest.fixture
async def pushed(service, dora, tmp_path):
    """A clone of dora's public project `ours`, that has a template of version 1.0.0."""
    folder = template_of(tmp_path / "work")
    place = service.url.replace("://", "://me:dora-token@")
    (folder / ".git").rename(tmp_path / "old")
    clone = await begun(folder, f"{place}/services/gavip/git/ours.git")
    await clone.did("tag", "v1.0.0")
    said = await clone.did("push", "origin", "main", "v1.0.0")
    await dora.post("/projects/ours", json={"source": "public"})
    return clone, said


WANTED = {"name": "faint", "project": "ours", "summary": "Faint stars."}


async def test_a_tag_of_a_template_is_no_release(pushed, dora):
    assert "is a version of a template, and no release" in str(pushed[1])
    assert (await dora.get("/avis/ours")).status_code == 404


async def test_an_operator_adds_and_retires_one_that_others_see_at_once(pushed, olga, ann):
    made = await olga.post("/templates", json=WANTED)
    assert (made.status_code, made.headers["Location"]) == (201, "/services/gavip/api/templates/faint")
    assert (await ann.get("/templates")).json()[-1]["name"] == "faint"
    assert (await olga.post("/templates/faint", json={"state": "retired"})).status_code == 200
    assert [one["name"] for one in (await ann.get("/templates")).json()][-1] == "java"
    assert (await ann.get("/templates/faint")).json()["state"] == "retired"
    assert len((await ann.get("/templates?retired=true")).json()) == 5


@pytest.mark.parametrize("token", ["ann-token", "dora-token", "ann-stars-token", "reader-token"])
async def test_nobody_else_changes_any(service, pushed, token):
    async with service.client(token) as client:
        assert (await client.post("/templates", json=WANTED)).status_code == 403
        assert (await client.post("/templates/python", json={"state": "retired"})).status_code == 403
    async with pages_of(service, token) as pages:
        assert (
            await pages.post("/platform/templates", data={"template": "python", "state": "retired"})
        ).status_code == 403


async def test_a_version_that_avis_were_made_of_stays(pushed, olga):
    clone, _ = pushed
    await olga.post("/templates", json=WANTED)
    await clone.did("commit", "--allow-empty", "-qm", "later")
    await clone.did("tag", "-f", "v1.0.0")
    assert (
        "AVIs were made of it: tag a new version" in (await clone.git("push", "-qf", "origin", "v1.0.0")).text
    )


async def test_a_developer_makes_a_project_of_one(pushed, olga, dora):
    await olga.post("/templates", json=WANTED)
    made = await dora.post("/projects", json={"name": "mine", "template": "faint"})
    assert (made.status_code, made.json()["owner"]) == (201, "dora")
    both = {"name": "two", "template": "faint", "notebook": "a.ipynb"}
    assert (await dora.post("/projects", json=both)).status_code == 400


async def test_the_portals_pages_offer_those_of_the_moment(service, pushed):
    async with pages_of(service, "olga-token") as olga, pages_of(service, "dora-token") as dora:
        answer = await olga.post("/platform/templates", data={"act": "add", **WANTED, "version": ""})
        assert answer.status_code == 303
        assert "Faint 1.0.0: Faint stars." in (await dora.get("/projects")).text
        await olga.post("/platform/templates", data={"template": "python", "state": "retired"})
        assert 'value="python"' not in (await dora.get("/projects")).text
        assert "Offer again" in (await olga.get("/platform")).text
        made = await dora.post(
            "/projects", data={"name": "mine", "template": "faint", "url": "", "notebook": ""}
        )
        assert made.headers["Location"] == "/services/gavip/projects/mine"
        assert "Made of the template faint" in (await dora.get("/projects/mine")).text


async def test_a_templates_own_project_says_what_it_is(service, pushed, olga):
    async with pages_of(service, "dora-token") as pages:
        assert "no release yet" in (await pages.get("/projects")).text
        await olga.post("/templates", json=WANTED)
        shown = (await pages.get("/projects")).text
    assert "offered as a template, in version" in shown
    assert "no release yet" not in shown


async def test_a_refusal_is_told_on_a_page(service):
    async with pages_of(service, "olga-token") as olga:
        answer = await olga.post("/platform/templates", data={"act": "add", "name": "faint"})
        assert (answer.status_code, "project" in answer.text) == (400, True)
