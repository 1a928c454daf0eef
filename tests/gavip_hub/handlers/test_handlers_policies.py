"""Whose turn it is, over HTTP: everybody may ask, operators choose, and a job tells why it waits."""

import pytest

from tests.support.service import until, waiting_job


@pytest.fixture
def stars(service):
    return service.publish()


@pytest.fixture
async def olga(service):
    async with service.client("olga-token") as client:
        yield client


async def test_everybody_may_ask_what_decides(ann):
    found = (await ann.get("/policy")).json()
    assert found == {"policy": "fair-share", "installed": ["fair-share", "fifo", "smallest-first"]}


async def test_an_operator_chooses_while_the_platform_runs(ann, olga):
    assert (await olga.post("/policy", json={"policy": "fifo"})).json()["policy"] == "fifo"
    assert (await ann.get("/policy")).json()["policy"] == "fifo"


async def test_nobody_else_chooses(ann):
    answer = await ann.post("/policy", json={"policy": "fifo"})
    assert (answer.status_code, answer.json()["error"]) == (403, "forbidden")
    assert (await ann.get("/policy")).json()["policy"] == "fair-share"


async def test_an_unknown_policy_is_refused_with_those_there_are(olga):
    answer = await olga.post("/policy", json={"policy": "lottery"})
    assert answer.status_code == 400
    assert "installed: fair-share, fifo, smallest-first" in answer.json()["message"]


async def test_a_job_tells_why_it_waits(service, ann, stars):
    found = (await ann.get(f"/jobs/{await waiting_job(service, ann)}/wait")).json()
    assert found["reason"].startswith(
        "waits for 400 MB of memory: 1 running job holds 400 of the platform's 600 MB"
    )
    assert [(one["pool"], one["limit"], one["needed"]) for one in found["limits"]] == [
        ("platform", "memory_mb", 800)
    ]
    assert found["starts_by"]
    assert found["sooner"][0]["memory_mb"] == 200


async def test_another_users_wait_and_another_avis_are_hidden(service, ann, bob, stars):
    job = await waiting_job(service, ann)
    assert (await bob.get(f"/jobs/{job}/wait")).status_code == 404


async def test_a_job_that_runs_does_not_wait(service, ann, stars):
    job = (await ann.post("/jobs", json={"avi": "stars", "pipeline": "count"})).json()["id"]

    async def runs():
        return (await ann.get(f"/jobs/{job}")).json()["phase"] == "EXECUTING"

    await until(runs)
    answer = await ann.get(f"/jobs/{job}/wait")
    assert (answer.status_code, answer.json()["error"]) == (409, "conflict")


async def test_a_full_queue_is_429_with_when_to_come_back(service, ann, stars):
    await waiting_job(service, ann)
    service.service.core.config.queue_limit = 1
    answer = await ann.post("/jobs", json={"avi": "stars", "pipeline": "count"})
    assert (answer.status_code, answer.json()["error"]) == (429, "queue_full")
    assert answer.headers["retry-after"] == "60"
