"""What a monitor reads, and the id that joins a request with its lines."""

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import func, select

from gavip_hub.domain.job import JobState
from gavip_hub.domain.ledger import OPEN
from gavip_hub.storage.schema import Container, Job
from tests.support.service import until


@pytest.fixture
async def monitor(service):
    headers = {"Authorization": "Bearer olga-token"}
    async with httpx.AsyncClient(base_url=f"{service.url}/services/gavip", headers=headers) as client:
        yield client


async def figures(monitor):
    families = text_string_to_metric_families((await monitor.get("/metrics")).text)
    return {(s.name, *s.labels.values()): s.value for family in families for s in family.samples}


async def test_jobs_and_pools_are_counted(service, ann, monitor):
    service.publish()
    service.service.core.config.platform_memory_mb = 600
    for _ in range(2):
        body = {"avi": "stars", "pipeline": "count", "memory_mb": 400}
        assert (await ann.post("/jobs", json=body)).status_code == 201
    found = await figures(monitor)
    waiting, live = (
        found["gavip_jobs", "QUEUED"],
        found["gavip_jobs", "LAUNCHING"] + found["gavip_jobs", "RUNNING"],
    )
    assert waiting + live == 2
    assert found["gavip_allowed", "memory_mb"] == 600
    assert found["gavip_held", "memory_mb"] == 400 * live
    assert found["gavip_healthy", "scheduler"] == 1


async def test_the_figures_are_those_of_the_database(service, ann, monitor):
    service.publish()
    service.service.core.config.platform_memory_mb = 600
    jobs = []
    for _ in range(3):
        body = {"avi": "stars", "pipeline": "count", "memory_mb": 400}
        jobs.append((await ann.post("/jobs", json=body)).json()["id"])
    await until(lambda: _runs(service))
    await ann.post(f"/jobs/{jobs[-1]}/cancel")
    with service.service.core.database.reading() as session:
        states = dict(session.execute(select(Job.state, func.count()).group_by(Job.state)).all())
        held = session.scalar(select(func.sum(Container.memory_mb)).where(Container.state.in_(OPEN)))
    found = await figures(monitor)
    assert states == {JobState.RUNNING: 1, JobState.QUEUED: 1, JobState.ABORTED: 1}
    assert {state: found["gavip_jobs", state.value] for state in JobState} == {
        state: states.get(state, 0) for state in JobState
    }
    assert found["gavip_held", "memory_mb"] == held == 400


async def _runs(service):
    with service.service.core.database.reading() as session:
        return session.scalar(select(func.count()).where(Job.state == JobState.RUNNING)) == 1


async def test_requests_are_timed_by_status(ann, monitor):
    await ann.get("/jobs/nothing")
    found = await figures(monitor)
    assert found["gavip_request_seconds_count", "GET", "404"] >= 1


async def test_a_made_up_method_makes_no_line_of_its_own(service, monitor):
    async with httpx.AsyncClient() as nobody:
        for method in ("AAAA", "AAAB"):
            answer = await nobody.request(method, f"{service.url}/services/gavip/api/health")
            assert answer.status_code == 405
    found = await figures(monitor)
    assert found["gavip_request_seconds_count", "other", "405"] == 2
    assert not [name for name in found if "AAAA" in name]


async def test_only_operators_read_them(service):
    headers = {"Authorization": "Bearer ann-token"}
    async with httpx.AsyncClient(base_url=f"{service.url}/services/gavip", headers=headers) as client:
        assert (await client.get("/metrics")).status_code == 403


async def test_an_answer_names_its_request(ann):
    assert (await ann.get("/me", headers={"X-Request-ID": "click-1"})).headers["x-request-id"] == "click-1"
    assert len((await ann.get("/me", headers={"X-Request-ID": "no id"})).headers["x-request-id"]) == 17
