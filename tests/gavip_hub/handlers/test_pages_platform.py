"""The operator's page, and what a waiting or failed job's page offers, from the running service."""

import json
from datetime import UTC, datetime

import pytest

from gavip_hub.backends.base import Liveness
from gavip_hub.testing import exit_record
from tests.support.service import pages_of, until, waiting_job

NOW = datetime(2026, 1, 1, tzinfo=UTC).isoformat()
JOB = {"avi": "stars", "pipeline": "count", "parameters": {"radius": 2}}


@pytest.fixture
def stars(service):
    return service.publish()


@pytest.fixture
async def operator(service):
    async with pages_of(service, "olga-token") as client:
        yield client


@pytest.fixture
async def portal(service):
    async with pages_of(service, "ann-token") as client:
        yield client


async def run_to_its_end(service, ann, *, record=None, error=None):
    """Run a job; return its id once it has ended."""
    job = (await ann.post("/jobs", json=JOB)).json()["id"]
    name = f"gavip-{job}-1"

    async def runs():
        found = service.backend.engine.containers.get(name)
        return found and found.liveness is Liveness.RUNNING

    await until(runs)
    outcome = {
        "status": "error" if error else "completed",
        "error": error,
        "started_at": NOW,
        "ended_at": NOW,
    }
    (service.root / "attempts" / name / "outcome.json").write_text(json.dumps(outcome))
    service.backend.engine.end(name, record or exit_record())

    async def ended():
        return (await ann.get(f"/jobs/{job}")).json()["ended_at"]

    await until(ended)
    return job


async def test_an_operator_sees_and_chooses_the_policy(operator):
    page = (await operator.get("/platform")).text
    assert 'value="fair-share" checked' in page
    answer = await operator.post("/platform", data={"policy": "fifo"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/services/gavip/platform")
    assert 'value="fifo" checked' in (await operator.get("/platform")).text


async def test_nobody_else_has_that_page(portal):
    assert (await portal.get("/platform")).status_code == 403
    assert (await portal.post("/platform", data={"policy": "fifo"})).status_code == 403
    assert ">Platform</a>" not in (await portal.get("/")).text


async def test_policies_are_compared_on_the_platforms_own_jobs(service, operator, ann, stars):
    assert "Too few jobs have run here" in (await operator.post("/platform/simulation")).text
    for _ in range(2):
        await run_to_its_end(service, ann)
    page = (await operator.post("/platform/simulation")).text
    assert "SIMULATED: the newest 2 jobs" in page
    assert "fairness (Jain" in page


async def test_one_simulation_runs_at_a_time(service, operator, portal):
    simulations = service.service.context.services.simulations
    with simulations._running:
        assert (await operator.post("/platform/simulation")).status_code == 409
    assert (await operator.post("/platform/simulation")).status_code == 200
    assert (await portal.post("/platform/simulation")).status_code == 403


async def test_a_waiting_jobs_page_tells_what_would_start_it_sooner(service, ann, portal, stars):
    job = await waiting_job(service, ann)
    page = (await portal.get(f"/jobs/{job}")).text
    assert "What would start it sooner" in page
    assert f"?again={job}&amp;memory_mb=200" in page
    assert "Room is kept for it" in page


async def test_after_out_of_memory_more_is_offered_and_filled_in(service, ann, portal, stars):
    course = [(1.0, 100.0, 0.5), (2.0, 290.0, 1.0)]
    record = exit_record(code=137, reason="out_of_memory", memory_peak_mb=299.0)
    job = await run_to_its_end(
        service,
        ann,
        record=record.model_copy(update={"course": course}),
        error={"code": "killed", "message": "9"},
    )
    page = (await portal.get(f"/jobs/{job}")).text
    given = (await ann.get(f"/jobs/{job}")).json()["memory_mb"]
    more = -(-1.5 * given // 64) * 64
    assert f"?again={job}&amp;memory_mb={more:.0f}" in page
    assert "<polyline" in page
    form = (await portal.get(f"/avis/stars/pipelines/count?again={job}&memory_mb={more:.0f}")).text
    assert f'value="{more:.0f}"' in form


@pytest.mark.parametrize("memory", ["-1", "much", "9" * 9, "1e3"])
async def test_a_suggested_memory_that_is_none_is_passed_over(service, ann, portal, stars, memory):
    job = await run_to_its_end(service, ann)
    answer = await portal.get(f"/avis/stars/pipelines/count?again={job}&memory_mb={memory}")
    assert answer.status_code == 200
    assert f'value="{memory}"' not in answer.text
