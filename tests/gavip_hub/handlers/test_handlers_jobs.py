import hashlib
import json
from datetime import UTC, datetime

import pytest

from gavip_hub.backends.base import Liveness
from gavip_hub.testing import exit_record
from tests.support.service import until

NOW = datetime(2026, 1, 1, tzinfo=UTC).isoformat()


@pytest.fixture
def stars(service):
    return service.publish()


async def submit(client, **changes):
    body = {"avi": "stars", "pipeline": "count", "parameters": {"radius": 2}, **changes}
    return await client.post("/jobs", json=body)


async def running(service, client, job):
    """Wait until a job's container runs; return its attempt's token and folder."""

    async def look():
        found = service.backend.engine.containers.get(f"gavip-{job}-1")
        return found if found and found.liveness is Liveness.RUNNING else None

    container = await until(look)
    return container.spec.env["GAVIP_TOKEN"], service.root / "attempts" / f"gavip-{job}-1"


async def completed(service, client, content=b"stars", name="stars.txt", media_type="text/plain"):
    """Run a job to its end; return it."""
    job = (await submit(client)).json()["id"]
    _, folder = await running(service, client, job)
    (folder / "results" / name).write_bytes(content)
    (folder / "log.txt").write_text("counting…\nété\n")
    entry = {
        "name": name,
        "title": "Stars",
        "size": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "media_type": media_type,
    }
    outcome = {"status": "completed", "results": [entry], "started_at": NOW, "ended_at": NOW}
    (folder / "outcome.json").write_text(json.dumps(outcome))
    service.backend.engine.end(f"gavip-{job}-1", exit_record())

    async def look():
        view = (await client.get(f"/jobs/{job}")).json()
        return view if view["phase"] == "COMPLETED" else None

    return await until(look)


async def test_a_submitted_job_has_an_address_and_is_listed(service, ann, stars):
    made = await submit(ann)
    assert made.status_code == 201
    job = made.json()
    assert made.headers["Location"] == f"/services/gavip/api/jobs/{job['id']}"
    assert (job["memory_mb"], job["memory_source"]) == (280, "expression")
    assert [one["id"] for one in (await ann.get("/jobs")).json()["items"]] == [job["id"]]


WRONG = [
    ({"parameters": {"radius": 50}}, 422, "radius"),
    ({"parameters": {"radius": "wide"}}, 422, "radius"),
    ({"parameters": {"radios": 2}}, 422, "radios"),
    ({"parameters": {"radius = 1\nimport os": 2}}, 422, "radius = 1\\nimport os"),
    ({"pipeline": "nothing"}, 422, "pipeline"),
    ({"avi": "none"}, 404, "avi"),
    ({"version": "9"}, 404, "version"),
    ({"memory_mb": 10**6}, 422, "memory_mb"),
    ({"memory_mb": 1}, 422, "memory_mb"),
    ({"image": "evil"}, 422, "image"),
]


async def test_a_wrong_job_is_refused_with_the_field_at_fault(ann, stars):
    found = [await submit(ann, **changes) for changes, _, _ in WRONG]
    assert [(one.status_code, one.json()["field"]) for one in found] == [case[1:] for case in WRONG]
    assert (await ann.get("/jobs")).json()["items"] == []


async def test_a_body_that_is_no_object_is_refused_in_words(ann):
    for body in (b"{", b"[1]", b"null", b'"x"', b"[" * 50_000, b"\xff"):
        answer = await ann.post("/jobs", content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code in {400, 422}
        assert answer.json()["message"]


async def test_a_form_is_no_json(ann, stars):
    answer = await ann.post("/jobs", data={"avi": "stars"})
    assert answer.status_code == 400
    assert "application/json" in answer.json()["message"]


async def test_a_job_of_somebody_else_does_not_exist(ann, bob, stars):
    job = (await submit(ann)).json()["id"]
    answers = [
        await bob.get(f"/jobs/{job}"),
        await bob.get(f"/jobs/{job}/events"),
        await bob.get(f"/jobs/{job}/log"),
        await bob.get(f"/jobs/{job}/results"),
        await bob.get(f"/jobs/{job}/results/stars.txt"),
        await bob.post(f"/jobs/{job}/start"),
        await bob.post(f"/jobs/{job}/cancel"),
        await bob.delete(f"/jobs/{job}"),
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert (await ann.get(f"/jobs/{job}")).status_code == 200


async def test_an_interface_reaches_the_jobs_of_its_own_avi_only(service, ann, stars):
    service.publish(avi="galaxies")
    other = (await submit(ann, avi="galaxies")).json()["id"]
    async with service.client("ann-stars-token") as interface:
        own = (await submit(interface)).json()["id"]
        assert [one["id"] for one in (await interface.get("/jobs")).json()["items"]] == [own]
        assert (await interface.get(f"/jobs/{other}")).status_code == 404
        assert (await submit(interface, avi="galaxies")).status_code == 403
        assert (await interface.get("/servers")).status_code == 403
        assert (await interface.post(f"/jobs/{other}/cancel")).status_code == 404


async def test_an_interface_repeats_no_job_of_another_avi(service, ann, stars):
    service.publish(avi="galaxies")
    other = (await submit(ann, avi="galaxies")).json()["id"]
    async with service.client("ann-stars-token") as interface:
        answer = await submit(interface, again_of=other)
    assert (answer.status_code, answer.json()["field"]) == (422, "again_of")
    assert "no job of yours of stars" in answer.json()["message"]


async def test_an_interface_cancels_a_job_and_deletes_none(service, ann, stars):
    async with service.client("ann-stars-token") as interface:
        job = (await submit(interface)).json()["id"]
        assert (await interface.post(f"/jobs/{job}/cancel")).status_code == 200
        answer = await interface.delete(f"/jobs/{job}")
    assert (answer.status_code, answer.json()["error"]) == (403, "forbidden")
    assert (await ann.delete(f"/jobs/{job}")).status_code == 204


async def test_a_scope_that_is_missing_is_named(service, stars):
    async with service.client("reader-token") as reader:
        answer = await submit(reader)
        assert answer.status_code == 403
        assert "custom:gavip:submit:jobs" in answer.json()["message"]
        assert (await reader.get("/jobs")).status_code == 200


async def test_a_job_waits_for_its_owner_where_asked_to(ann, stars):
    job = (await submit(ann, start=False)).json()
    assert job["phase"] == "PENDING"
    assert (await ann.post(f"/jobs/{job['id']}/start")).json()["phase"] == "QUEUED"
    assert (await ann.post(f"/jobs/{job['id']}/start")).status_code == 409


async def test_a_finished_job_shows_results_and_log(service, ann, stars):
    job = await completed(service, ann)
    results = (await ann.get(f"/jobs/{job['id']}/results")).json()
    assert [one["name"] for one in results] == ["stars.txt"]
    log = (await ann.get(f"/jobs/{job['id']}/log")).json()
    assert (log["text"], log["ended"]) == ("counting…\nété\n", True)
    rest = (await ann.get(f"/jobs/{job['id']}/log", params={"offset": log["next_offset"]})).json()
    assert rest["text"] == ""


async def test_a_result_is_sent_as_an_attachment_that_cannot_run(service, ann, stars):
    job = await completed(service, ann, b"<script>alert(1)</script>", "page.html", "text/html")
    answer = await ann.get(f"/jobs/{job['id']}/results/page.html")
    assert answer.content == b"<script>alert(1)</script>"
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


RANGES = {
    "bytes=0-3": (206, b"0123"),
    "bytes=8-": (206, b"89"),
    "bytes=-3": (206, b"789"),
    "bytes=5-500": (206, b"56789"),
    "bytes=10-": (416, b""),
    "bytes=-0": (416, b""),
    "bytes=" + "9" * 5000 + "-": (416, b""),
    "bytes=0-" + "9" * 5000: (200, b"0123456789"),
    "lines=1-2": (200, b"0123456789"),
}


async def test_ranges_of_a_result(service, ann, stars):
    job = await completed(service, ann, b"0123456789")
    address = f"/jobs/{job['id']}/results/stars.txt"
    found = {asked: await ann.get(address, headers={"Range": asked}) for asked in RANGES}
    assert {asked: (one.status_code, one.content) for asked, one in found.items()} == RANGES


async def test_a_large_result_arrives_whole(service, ann, stars):
    content = bytes(range(256)) * 12_000
    job = await completed(service, ann, content)
    assert (await ann.get(f"/jobs/{job['id']}/results/stars.txt")).content == content


async def test_a_result_that_became_a_link_is_not_followed(service, ann, stars, tmp_path):
    job = await completed(service, ann)
    place = service.root / "users" / "ann" / "jobs" / job["id"] / "1" / "results" / "stars.txt"
    secret = tmp_path / "secret"
    secret.write_text("secret")
    place.unlink()
    place.symlink_to(secret)
    assert (await ann.get(f"/jobs/{job['id']}/results/stars.txt")).status_code == 404


async def test_a_jobs_token_is_good_for_its_own_reports_and_nothing_else(service, ann, stars):
    job = (await submit(ann)).json()["id"]
    token, _ = await running(service, ann, job)
    async with service.client(token) as box:
        assert (await box.get("/attempts/self")).json()["parameters"] == {"radius": 2.0}
        assert (await box.get("/jobs")).status_code == 401
        report = {"fraction": 0.5, "message": "half"}
        assert (await box.post("/attempts/self/progress", json=report)).status_code == 204
        assert (await box.post("/attempts/self/progress", json={"fraction": 7})).status_code == 422
    assert (await ann.get(f"/jobs/{job}")).json()["fraction"] == 0.5
    assert (await ann.get("/attempts/self")).status_code == 401


async def test_a_jobs_token_dies_with_its_attempt(service, ann, stars):
    job = (await submit(ann)).json()["id"]
    token, _ = await running(service, ann, job)
    assert (await ann.post(f"/jobs/{job}/cancel")).status_code == 200

    async def aborted():
        return (await ann.get(f"/jobs/{job}")).json()["phase"] == "ABORTED"

    await until(aborted)
    async with service.client(token) as box:
        assert (await box.post("/attempts/self/progress", json={"fraction": 0.9})).status_code == 401


async def test_a_deleted_job_is_gone(service, ann, stars):
    job = await completed(service, ann)
    assert (await ann.delete(f"/jobs/{job['id']}")).status_code == 204
    assert (await ann.get(f"/jobs/{job['id']}")).status_code == 404

    async def removed():
        return not (service.root / "users" / "ann" / "jobs" / job["id"]).exists()

    await until(removed)
