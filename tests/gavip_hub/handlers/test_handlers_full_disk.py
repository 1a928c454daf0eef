"""A disk that fills: nothing new starts, it is said, what runs is not lost, and nothing is spoilt."""

import sqlite3

import pytest

from avi_kernel.protocol.runs import Outcome
from gavip_hub.exceptions import DiskFull
from gavip_hub.testing import EPOCH, exit_record
from tests.support.service import pages_of, running_service, until

RESERVE_MB = 32
OUTCOME = Outcome(status="completed", started_at=EPOCH, ended_at=EPOCH).model_dump_json()


@pytest.fixture
async def service(small_disk):
    async with running_service(small_disk.path / "root", disk_reserve_mb=RESERVE_MB) as running:
        running.publish()
        yield running


@pytest.fixture
async def ann(service):
    async with service.client("ann-token", timeout=60) as client:
        yield client


async def submit(ann):
    return await ann.post("/jobs", json={"avi": "stars", "pipeline": "count"})


async def submitted(ann):
    answer = await submit(ann)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


async def in_state(ann, job, state):
    async def reached():
        view = (await ann.get(f"/jobs/{job}")).json()
        return view if view.get("state") == state else None

    return await until(reached, seconds=60)


async def test_a_job_waits_for_room_on_the_disk_and_says_so(service, ann, small_disk):
    small_disk.fill(leave_mb=RESERVE_MB // 2)
    job = await submitted(ann)
    view = (await ann.get(f"/jobs/{job}")).json()
    why = (await ann.get(f"/jobs/{job}/wait")).json()
    listed = (await ann.get("/jobs")).json()["items"]
    assert view["reason"].startswith("waits: the platform's disk has ")
    assert f"needs {RESERVE_MB} MB" in view["reason"]
    assert why["reason"][:30] == listed[0]["reason"][:30] == view["reason"][:30]
    small_disk.empty()
    assert (await in_state(ann, job, "RUNNING"))["reason"] == ""


async def test_health_and_metrics_tell_of_the_disk(service, ann, small_disk):
    small_disk.fill(leave_mb=RESERVE_MB // 2)
    answer = await ann.get("/health")
    async with pages_of(service, "olga-token") as olga:
        figures = (await olga.get("/metrics")).text
    small_disk.empty()
    assert (answer.status_code, answer.json()["disk"]) == (503, False)
    assert "disk has" in answer.json()["problems"][0]
    assert 'gavip_healthy{part="disk"} 0.0' in figures
    assert f'gavip_disk_mb{{what="reserve"}} {RESERVE_MB}.0' in figures
    await until(lambda: _is_well(ann))


async def _is_well(ann):
    return (await ann.get("/health")).status_code == 200


async def test_no_interface_starts_either(service, small_disk):
    small_disk.fill(leave_mb=RESERVE_MB // 2)
    wish = {"owner": "ann", "groups": [], "server_name": "stars", "user_options": {"release": "stars/1.0"}}
    with pytest.raises(DiskFull, match="Delete results"):
        service.hub.ledger.admit(**wish)
    small_disk.empty()
    assert service.hub.ledger.admit(**wish)


async def until_refused(ann):
    """Submit until the database finds no room: it writes into what it has before."""
    for _ in range(300):
        answer = await submit(ann)
        if answer.status_code != 201:
            return answer
    pytest.fail("the disk was never full")


async def test_a_full_disk_refuses_and_loses_nothing(service, ann, small_disk):
    service.service.core.config.quota["jobs"] = 1000
    job = await submitted(ann)
    await in_state(ann, job, "RUNNING")
    name = f"gavip-{job}-1"
    (service.root / "attempts" / name / "outcome.json").write_text(OUTCOME)
    small_disk.fill()
    refused = await until_refused(ann)
    service.backend.engine.end(name, exit_record())
    async with service.client(service.backend.engine.containers[name].spec.env["GAVIP_TOKEN"]) as runner:
        told = await runner.post(
            "/attempts/self/outcome", content=OUTCOME, headers={"Content-Type": "application/json"}
        )
    assert (refused.status_code, refused.json()["error"]) == (507, "disk_full")
    assert int(refused.headers["retry-after"]) > 0
    assert told.status_code in {204, 507, 401}  # into what room there was; or its end was seen before
    small_disk.empty()
    view = await in_state(ann, job, "COMPLETED")
    assert len(view["attempts"]) == 1
    assert service.backend.engine.started.count(name) == 1
    assert is_sound(service.root / "gavip.sqlite")


def is_sound(path):
    with sqlite3.connect(path) as connection:
        return connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
