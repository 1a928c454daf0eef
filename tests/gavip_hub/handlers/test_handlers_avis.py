import threading

import pytest

from tests.support.avis import star_counter


@pytest.fixture
async def dora(service):
    async with service.client("dora-token") as client:
        yield client


async def publish(client, **changes):
    body = {"folder": "stars", "avi": "stars", "version": "1.0", "visibility": "public", **changes}
    return await client.post(f"/avis/{body['avi']}/releases", json=body)


async def test_a_release_is_in_the_catalogue_at_once(service, dora, ann):
    star_counter(service.root / "users" / "dora" / "stars")
    made = await publish(dora)
    assert made.status_code == 201
    assert made.headers["Location"] == "/services/gavip/api/avis/stars/releases/1.0"
    (avi,) = (await ann.get("/avis")).json()
    assert (avi["title"], avi["latest"], avi["pipelines"]) == ("Star counter", "1.0", ["count"])
    assert avi["interface_url"].startswith("http://stars--ann.")
    assert (await ann.get("/avis/stars/releases/1.0")).json()["spec"]["readme"] == "# Star counter\n"


async def test_the_newest_version_is_the_one_shown(service, ann):
    service.publish()
    service.publish(version="1.1")
    assert (await ann.get("/avis/stars")).json()["latest"] == "1.1"
    assert [one["version"] for one in (await ann.get("/avis/stars/releases")).json()] == ["1.1", "1.0"]


async def test_what_is_private_does_not_exist_for_others(service, ann, dora):
    service.publish(visibility="private")
    for path in ("/avis/stars", "/avis/stars/releases", "/avis/stars/releases/1.0"):
        assert (await ann.get(path)).status_code == 404
        assert (await dora.get(path)).status_code == 200
    assert (await ann.get("/avis")).json() == []


async def test_a_newer_private_version_hides_no_public_one(service, ann):
    service.publish()
    service.publish(version="2.0", visibility="private")
    assert (await ann.get("/avis/stars")).json()["latest"] == "1.0"


async def test_a_misnamed_avi_is_told_how_one_is_named(service, dora):
    star_counter(service.root / "users" / "dora" / "stars")
    answer = await publish(dora, avi="My_Stars")
    assert answer.status_code == 400
    assert "2 to 20 lower-case letters" in answer.json()["message"]


@pytest.mark.parametrize("name", ["My_Stars", "..%2Fstars", "%00", "x" * 90])
async def test_a_name_that_no_avi_has_is_not_found(service, ann, name):
    assert (await ann.get(f"/avis/{name}")).status_code == 404


async def test_only_developers_publish(service, ann):
    star_counter(service.root / "users" / "ann" / "stars")
    assert (await publish(ann)).status_code == 403


async def test_a_bad_manifest_is_told_with_file_and_key(service, dora):
    folder = star_counter(service.root / "users" / "dora" / "stars")
    (folder / "avi.toml").write_text("titel = 'x'")
    answer = await publish(dora)
    assert (answer.status_code, answer.json()["error"], answer.json()["field"]) == (
        422,
        "bad_manifest",
        "titel",
    )
    assert "avi.toml, line 1: titel: unknown key" in answer.json()["message"]
    assert not list((service.root / "checkouts" / ".staging").iterdir())


async def test_publications_run_in_threads_of_their_own(service, dora, monkeypatch):
    star_counter(service.root / "users" / "dora" / "stars")
    repositories, seen = service.service.core.releases._repositories, []
    commit = repositories.commit

    def watched(*arguments, **options):
        seen.append(threading.current_thread().name)
        return commit(*arguments, **options)

    monkeypatch.setattr(repositories, "commit", watched)
    assert (await publish(dora)).status_code == 201
    assert [name.rpartition("_")[0] for name in seen] == ["gavip-publishing"]


async def test_the_address_and_the_body_must_agree(service, dora):
    body = {"folder": "stars", "avi": "stars", "version": "1.0"}
    answer = await dora.post("/avis/galaxies/releases", json=body)
    assert (answer.status_code, answer.json()["field"]) == (422, "avi")


async def test_health_needs_no_sign_in_and_tells_what_is_well(service):
    async with service.client() as nobody:
        health = (await nobody.get("/health")).json()
    assert health == {
        "status": "ok",
        "database": True,
        "scheduler": True,
        "hub": True,
        "disk": True,
        "webdav": True,
        "problems": [],
        "sandbox": "enforced",
        "notices": [],
    }


async def test_a_star_is_its_owners_and_only_of_what_is_open_to_them(service, ann, dora):
    service.publish()
    service.publish(avi="secret", visibility="private")
    for _ in range(2):
        assert (await ann.post("/avis/stars/favourite")).status_code == 204
    assert (await ann.post("/avis/secret/favourite")).status_code == 404
    assert [one["favourite"] for one in (await ann.get("/avis")).json()] == [True]
    assert (await ann.get("/avis/stars")).json()["favourite"] is True
    assert [one["favourite"] for one in (await dora.get("/avis")).json()] == [False, False]
    for name in ("stars", "secret"):
        assert (await ann.delete(f"/avis/{name}/favourite")).status_code == 204
    assert (await ann.get("/avis/stars")).json()["favourite"] is False
