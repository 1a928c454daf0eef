"""Users let AVIs write folders of theirs, over HTTP: themselves, and nobody in their place."""

import pytest

from tests.support.service import pages_of, until


@pytest.fixture
def stars(service):
    return service.publish()


async def test_an_avi_writes_its_own_folder_alone_until_more_is_granted(ann, stars):
    found = (await ann.get("/avis/stars/grants")).json()
    assert found == {"avi": "stars", "own": "avis/stars", "folders": []}


async def test_a_grant_is_shown_and_withdrawn(ann, stars):
    given = await ann.post("/avis/stars/grants", json={"folder": "data/maps/"})
    assert given.json()["folders"] == ["data/maps"]
    assert (await ann.get("/avis/stars/grants")).json()["folders"] == ["data/maps"]
    withdrawn = await ann.delete("/avis/stars/grants", params={"folder": "data/maps"})
    assert withdrawn.json()["folders"] == []


async def test_a_grant_is_its_givers_alone(ann, bob, service):
    service.publish()
    await ann.post("/avis/stars/grants", json={"folder": "data"})
    assert (await bob.get("/avis/stars/grants")).json()["folders"] == []


async def test_what_cannot_be_granted_is_refused_with_what_can(ann, stars):
    answer = await ann.post("/avis/stars/grants", json={"folder": "../bob"})
    assert (answer.status_code, answer.json()["field"]) == (422, "folder")
    assert "as data/maps" in answer.json()["message"]


async def test_withdrawing_what_was_not_granted_names_what_was(ann, stars):
    await ann.post("/avis/stars/grants", json={"folder": "data"})
    answer = await ann.delete("/avis/stars/grants", params={"folder": "date"})
    assert answer.status_code == 404
    assert "granted: data" in answer.json()["message"]


async def test_an_avi_grants_itself_nothing(service, ann, stars):
    async with service.client("ann-stars-token") as interface:
        answer = await interface.post("/avis/stars/grants", json={"folder": "data"})
    assert answer.status_code == 403
    assert (await ann.get("/avis/stars/grants")).json()["folders"] == []


async def test_an_avi_that_is_not_open_to_somebody_is_not_granted_to(service, bob):
    service.publish(visibility="private")
    assert (await bob.post("/avis/stars/grants", json={"folder": "data"})).status_code == 404


async def test_the_avis_page_shows_gives_and_withdraws(service, ann, stars):
    async with pages_of(service, "ann-token") as portal:
        for sent, shown in (({"folder": "data/maps"}, True), ({"withdraw": "data/maps"}, False)):
            answer = await portal.post("/avis/stars/grants", data=sent)
            assert (answer.status_code, answer.headers["Location"]) == (
                303,
                "/services/gavip/avis/stars#writes",
            )
            assert ("Withdraw data/maps" in (await portal.get("/avis/stars")).text) is shown


async def test_a_job_writes_what_its_user_granted_at_its_start(service, ann, stars):
    await ann.post("/avis/stars/grants", json={"folder": "data/maps"})
    body = {"avi": "stars", "pipeline": "count", "parameters": {"radius": 2}}
    job = (await ann.post("/jobs", json=body)).json()["id"]

    async def launched():
        return service.backend.engine.containers.get(f"gavip-{job}-1")

    spec = (await until(launched)).spec
    writable = {mount.target for mount in spec.mounts if mount.writable}
    assert writable == {"/home/ann/data/maps", "/home/ann/avis/stars", "/attempt"}
