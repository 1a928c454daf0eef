"""What no honest program sends: each is refused with a sentence, and nothing of it is kept."""

import json

import httpx
import pytest

from avi_kernel.protocol.manifest import PipelineSpec
from avi_kernel.protocol.parameters import ParameterSpec
from avi_kernel.protocol.readable import amount
from avi_kernel.protocol.releases import ReleaseSubmit
from tests.gavip_hub.handlers.test_handlers_jobs import running
from tests.support.avis import notebook, write_avi

HUGE = 10**400
DIGITS = "9" * 5000
HALF = "\ud800"


@pytest.fixture
def stars(service):
    folder = service.root / "users" / "dora" / "stars"
    write_avi(folder, {"pipelines/count.ipynb": notebook(parameters="radius = 1.0\nn = 1\nlabel = 'x'")})
    (folder / "avi.toml").write_text("[pipelines.count.parameters.n]\nmaximum = 10\n")
    return publish(service)


def publish(service):
    request = ReleaseSubmit(folder="stars", avi="stars", version="1.0", visibility="public")
    return service.service.core.releases.submit(submitter="dora", request=request)


async def submit(client, **changes):
    body = {"avi": "stars", "pipeline": "count", "parameters": {}, **changes}
    headers = {"Content-Type": "application/json"}
    return await client.post("/jobs", content=json.dumps(body), headers=headers)


@pytest.mark.parametrize(
    "changes",
    [
        {"memory_mb": HUGE},
        {"parameters": {"n": HUGE}},
        {"parameters": {"n": DIGITS}},
        {"parameters": {"radius": HUGE}},
        {"parameters": {"label": HALF}},
        {"parameters": {"label": "a\0"}},
        {"parameters": {HALF: 1}},
        {"avi": HALF},
        {"avi": "a\0"},
        {"version": "a\0"},
        {"pipeline": HALF},
        {"again_of": "a\0"},
        {HALF: 1},
    ],
    ids=ascii,
)
async def test_a_job_with_an_impossible_value_is_refused_in_words(ann, stars, changes):
    answer = await submit(ann, **changes)
    assert answer.status_code in {400, 404, 422}
    assert answer.json()["message"]
    assert (await ann.get("/jobs")).json()["items"] == []


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/events", {"Last-Event-ID": DIGITS}),
        ("/events?after=9223372036854775808", {}),
        ("/jobs/{job}/events?after=9223372036854775808", {}),
        (f"/jobs/{{job}}/events?after={DIGITS}", {}),
        (f"/jobs/{{job}}/log?offset={DIGITS}", {}),
        ("/jobs/{job}/log?offset=-9223372036854775809", {}),
        ("/jobs?limit=" + DIGITS, {}),
    ],
)
async def test_an_impossible_number_is_refused_in_words(ann, stars, path, headers):
    job = (await submit(ann)).json()["id"]
    answer = await ann.get(path.format(job=job), headers=headers)
    assert answer.status_code in {400, 422}
    assert answer.json()["message"]


async def test_a_page_refuses_them_too(service, ann, stars):
    job = (await submit(ann)).json()["id"]
    pages = {"Authorization": "Bearer ann-token"}
    async with httpx.AsyncClient(base_url=f"{service.url}/services/gavip", headers=pages) as portal:
        answers = [
            await portal.get(f"/jobs/{job}/log", params={"offset": DIGITS}),
            await portal.post("/avis/stars/pipelines/count", data={"again_of": DIGITS, "p.radius": "1"}),
            await portal.post("/avis/stars/pipelines/count", data={"memory_mb": "9" * 10, "p.radius": "1"}),
            await portal.post("/avis/stars/pipelines/count", data={"p.n": DIGITS}),
            await portal.post("/avis/stars/open", data={"version": DIGITS}),
        ]
    assert [answer.status_code for answer in answers] == [400, 422, 422, 422, 404]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("progress", {"fraction": HUGE}),
        ("progress", {"cell": HUGE}),
        ("outcome", {"results": [{"name": "a", "size": HUGE}]}),
        ("outcome", {"results": [{"name": "a", "size": 1, "sha256": "0" * 64, "media_type": "text/plaïn"}]}),
    ],
)
async def test_a_report_with_an_impossible_value_is_refused_in_words(service, ann, stars, path, body):
    job = (await submit(ann)).json()["id"]
    token, _ = await running(service, ann, job)
    told = {"status": "completed", "started_at": "2026-01-01T00:00:00Z", "ended_at": "2026-01-01T00:00:00Z"}
    body = {**told, **body} if path == "outcome" else body
    async with service.client(token) as box:
        answer = await box.post(f"/attempts/self/{path}", json=body)
    assert answer.status_code == 422
    assert answer.json()["message"]


async def test_text_of_a_report_that_cannot_be_kept_is_replaced(service, ann, stars):
    job = (await submit(ann)).json()["id"]
    token, _ = await running(service, ann, job)
    async with service.client(token) as box:
        body = json.dumps({"fraction": 0.5, "message": f"half {HALF} and \0"})
        headers = {"Content-Type": "application/json"}
        assert (await box.post("/attempts/self/progress", content=body, headers=headers)).status_code == 204
    assert (await ann.get(f"/jobs/{job}")).json()["message"] == "half \ufffd and \ufffd"


@pytest.mark.parametrize("method", ["TRACE", "PUT", "QUERY"])
async def test_a_method_that_an_address_does_not_know_is_answered_with_those_it_does(ann, method):
    answer = await ann.request(method, "/policy")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, POST")


def test_any_number_can_be_shown():
    assert amount(HUGE).startswith("10\N{NARROW NO-BREAK SPACE}000")
    assert (amount(1234567), amount(1234.5)) == (
        "1\N{NARROW NO-BREAK SPACE}234\N{NARROW NO-BREAK SPACE}567",
        "1\N{NARROW NO-BREAK SPACE}234.5",
    )


def test_a_source_id_is_no_impossible_number():
    spec = PipelineSpec(
        name="p", kind="notebook", path="p", parameters=[ParameterSpec(name="id", type="integer")]
    )
    assert spec.parameters[0].check(6917528997577384320) == 6917528997577384320
