"""While a part is away, requests are refused with when to come back, and health and metrics tell the truth."""

import asyncio
import threading
from types import SimpleNamespace

import pytest
from jupyterhub.spawner import SpawnException

from avi_kernel.protocol.runs import Outcome
from gavip_hub.core import server_ledger
from gavip_hub.handlers import base
from gavip_hub.spawners.options import ServerHooks
from gavip_hub.testing import EPOCH, exit_record
from tests.support.outages import said
from tests.support.service import health, pages_of, running_service, until

JSON = {"Content-Type": "application/json"}


@pytest.fixture
async def service(outage, tmp_path):
    """A service over a database that can be taken away."""
    async with running_service(tmp_path / "root", database_url=outage.url, disk_reserve_mb=0) as running:
        yield running


@pytest.fixture
async def ann(service):
    async with service.client("ann-token", timeout=30) as client:
        yield client


@pytest.fixture
async def olga(service):
    async with pages_of(service, "olga-token") as client:
        yield client


async def is_well(client):
    return (await health(client))[0] == 200


async def submitted(service, ann):
    answer = await ann.post("/jobs", json={"avi": "stars", "pipeline": "count"})
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


async def in_state(ann, job, state):
    return await until(lambda: _in_state(ann, job, state))


async def _in_state(ann, job, state):
    return (await ann.get(f"/jobs/{job}")).json().get("state") == state


async def test_a_request_is_refused_with_when_to_come_back(service, ann, outage):
    service.publish()
    outage.begin()
    answer = await ann.post("/jobs", json={"avi": "stars", "pipeline": "count"})
    outage.end()
    assert (answer.status_code, answer.json()["error"]) == (503, "database_away")
    assert "nothing is lost" in answer.json()["message"]
    assert int(answer.headers["retry-after"]) > 0
    await until(lambda: is_well(ann))
    assert await submitted(service, ann)


async def test_a_page_says_so_in_words(service, ann, outage):
    service.publish()
    async with pages_of(service, "ann-token") as browser:
        outage.begin()
        answer = await browser.post("/avis/stars/pipelines/count", data={"p.radius": "1"}, timeout=30)
        outage.end()
    assert answer.status_code == 503
    assert "database does not answer" in answer.text
    assert "Traceback" not in answer.text


async def test_a_request_of_several_questions_is_refused_no_later_than_one_of_one(service, ann, monkeypatch):
    service.publish()
    never, found = threading.Event(), service.service.core.releases.get
    monkeypatch.setattr(base, "ANSWER_SECONDS", 1.0)
    services = service.service.context.services
    monkeypatch.setattr(services.releases, "get", lambda **given: never.wait(0.7) or found(**given))
    monkeypatch.setattr(services.jobs, "submit", lambda **_: never.wait(0.7))
    answer = await ann.post("/jobs", json={"avi": "stars", "pipeline": "count"})
    assert (answer.status_code, answer.json()["error"]) == (503, "database_away")


async def test_what_was_refused_is_not_done_later(service, ann, outage, monkeypatch):
    service.publish()
    jobs, ended = service.service.context.services.jobs, threading.Event()
    submit = jobs.submit

    def watched(**given):
        try:
            return submit(**given)
        finally:
            ended.set()

    monkeypatch.setattr(jobs, "submit", watched)
    monkeypatch.setattr(base, "ANSWER_SECONDS", 0.5)
    outage.begin()
    refused = await ann.post("/jobs", json={"avi": "stars", "pipeline": "count"})
    outage.end()
    assert refused.status_code == 503
    await asyncio.to_thread(ended.wait, 60)
    monkeypatch.setattr(base, "ANSWER_SECONDS", 20.0)
    await until(lambda: is_well(ann))
    assert (await ann.get("/jobs")).json()["items"] == []


@pytest.mark.postgres
async def test_one_that_stands_still_is_refused_too(tmp_path, mortal_postgres, monkeypatch):
    url = mortal_postgres.database()
    async with (
        running_service(tmp_path / "root", database_url=url) as service,
        service.client("ann-token") as ann,
    ):
        service.publish()
        with monkeypatch.context() as hasty, mortal_postgres.standing_still():
            hasty.setattr(base, "ANSWER_SECONDS", 1.0)
            answers = await asyncio.gather(*(ann.get("/jobs") for _ in range(10)))
            told = (await ann.get("/health")).json()
        assert {answer.status_code for answer in answers} == {503}
        assert told["problems"][0].startswith("The database did not answer within")
        await until(lambda: is_well(ann))
        await submitted(service, ann)


async def test_health_and_metrics_name_the_database_and_see_it_return(service, ann, olga, outage):
    assert await is_well(ann)
    outage.begin()
    await until(lambda: _is_ill(ann))
    status, told = await health(ann)
    figures = (await olga.get("/metrics")).text
    alive = await ann.get("/health/live")
    outage.end()
    assert (status, told["status"], told["database"], told["hub"]) == (503, "degraded", False, True)
    assert told["problems"][0].startswith(
        ("The platform's database does not answer", "The database did not answer within")
    )
    assert 'gavip_healthy{part="database"} 0.0' in figures
    assert alive.status_code == 200
    await until(lambda: is_well(ann))
    assert 'gavip_healthy{part="database"} 1.0' in (await olga.get("/metrics")).text


async def _is_ill(client):
    return not await is_well(client)


async def test_a_runner_tells_its_end_once_the_database_is_back(service, ann, outage, caplog):
    service.publish()
    job = await submitted(service, ann)
    await in_state(ann, job, "RUNNING")
    name = f"gavip-{job}-1"
    token = service.backend.engine.containers[name].spec.env["GAVIP_TOKEN"]
    outcome = Outcome(status="completed", started_at=EPOCH, ended_at=EPOCH).model_dump_json()

    async def told():
        return (await runner.post("/attempts/self/outcome", content=outcome, headers=JSON)).status_code

    async with service.client(token, timeout=30) as runner:
        outage.begin()
        first = await told()
        outage.end()
        await until(lambda: _equals(told, 204))
    (service.root / "attempts" / name / "outcome.json").write_text(outcome)
    service.backend.engine.end(name, exit_record())
    await in_state(ann, job, "COMPLETED")
    assert first == 503
    assert service.backend.engine.started == [name]
    assert said(caplog.text) >= 1
    assert "Traceback" not in caplog.text


async def _equals(asked, wanted):
    return await asked() == wanted


async def test_the_hubs_hook_refuses_a_start_in_words(service, outage):
    service.publish()
    hooks = ServerHooks(open_ledger=lambda: server_ledger(service.service.core.config))
    user = SimpleNamespace(name="ann", groups=[])
    spawner = SimpleNamespace(name="stars", user=user, admission=None, ledger_id="", ending="")
    outage.begin()
    with pytest.raises(SpawnException) as refused:
        await hooks.admit(spawner, {"release": "stars/1.0"})
    outage.end()
    assert (refused.value.status_code, refused.value.reason) == (503, "database_away")
    await hooks.admit(spawner, {"release": "stars/1.0"})
    assert spawner.ledger_id
    outage.begin()
    await hooks.close(spawner)  # and the Hub's stop goes on
    outage.end()


async def test_a_stream_of_events_outlives_the_outage(service, ann, outage):
    service.publish()
    async with ann.stream("GET", "/events") as stream:
        lines = stream.aiter_lines()
        assert await anext(lines) == "retry: 1000"
        outage.begin()
        await until(lambda: _is_ill(ann))
        outage.end()
        await until(lambda: is_well(ann))
        job = await submitted(service, ann)
        async with asyncio.timeout(20):
            async for line in lines:
                if job in line:
                    break
    assert job in line
