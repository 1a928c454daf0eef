"""The client against the API of standalone mode, with jobs that really run."""

import shutil
import threading

import httpx
import pytest

from avi_kernel.client import BadRequest, Client, JobFailed, NotFound, SignInRequired, Unavailable
from avi_kernel.transport import raise_for_refusal
from tests.support.jobs import AVIS
from tests.support.local_api import TOKEN, local_api


@pytest.fixture
def folder(tmp_path):
    """All the test AVIs' notebooks in one AVI."""
    own = tmp_path / "mixed"
    (own / "pipelines").mkdir(parents=True)
    for name in ("works", "raises", "sleeps"):
        shutil.copy(AVIS / name / "pipelines" / "main.ipynb", own / "pipelines" / f"{name}.ipynb")
    return own


@pytest.fixture
def api(folder):
    with local_api(folder, "mixed") as serving:
        yield serving


@pytest.fixture
def client(api):
    made = Client(api.jobs.api_url, TOKEN, avi="mixed")
    yield made
    made.close()


def test_a_job_is_submitted_awaited_and_its_result_read(client, tmp_path):
    job = client.submit("works", {"a": 4, "label": "total"}).wait(60)
    assert job.phase == "COMPLETED"
    assert job.progress == 1.0
    assert job.result("sum.txt") == b"total = 7.0\n"
    assert job.download("sum.txt", tmp_path).read_text() == "total = 7.0\n"


def test_a_failed_job_raises_with_its_cause(client):
    job = client.submit("raises")
    with pytest.raises(JobFailed, match="no star within"):
        job.wait(60)
    assert job.error.cell == 2


def test_a_job_is_cancelled(client):
    job = client.submit("sleeps")
    assert job.cancel().phase == "ABORTED"
    with pytest.raises(JobFailed, match="aborted"):
        job.wait(30)


def test_waiting_is_bounded(client):
    job = client.submit("sleeps")
    with pytest.raises(TimeoutError, match="goes on"):
        job.wait(0.1)
    job.cancel()


def test_watchers_hear_of_the_end(client):
    ended = threading.Event()
    job = client.submit("works")
    job.watch(lambda news: ended.set() if news.ended else None)
    assert ended.wait(60)


def test_jobs_are_listed_newest_first(client):
    first, second = client.submit("works"), client.submit("works")
    assert [job.id for job in client.jobs()][:2] == [second.id, first.id]
    assert client.job(first.id).view.pipeline == "works"


def test_a_wrong_parameter_is_named(client):
    with pytest.raises(BadRequest, match="whole number") as refused:
        client.submit("works", {"a": "many"})
    assert refused.value.field == "a"
    assert refused.value.code == "bad_parameter"


def test_unknown_things_are_not_found(client):
    with pytest.raises(NotFound, match="mixed has: raises, sleeps, works"):
        client.submit("nothing")
    with pytest.raises(NotFound):
        client.job("0123")


def test_a_wrong_token_is_refused(api):
    stranger = Client(api.jobs.api_url, "guessed", avi="mixed")
    with pytest.raises(SignInRequired):
        stranger.jobs()
    stranger.close()


def test_an_attempts_token_reaches_no_jobs(api, client):
    job = client.submit("sleeps")
    token = next(iter(api.jobs._tokens.values()))
    thief = Client(api.jobs.api_url, token, avi="mixed")
    with pytest.raises(SignInRequired):
        thief.jobs()
    thief.close()
    job.cancel()


def test_a_platform_that_is_away_is_told():
    nobody = Client("http://127.0.0.1:9", "token", avi="mixed")
    with pytest.raises(Unavailable, match="does not answer"):
        nobody.submit("works")
    nobody.close()


def test_outside_a_platform_the_client_says_what_to_do():
    with pytest.raises(SignInRequired, match="Client"):
        Client.from_environment({})


def test_submitting_says_of_which_avi(api):
    nowhere = Client(api.jobs.api_url, TOKEN)
    with pytest.raises(BadRequest, match="Say of which AVI"):
        nowhere.submit("works")


def test_links_lead_to_the_portal_and_not_into_the_box(client):
    environ = {
        "GAVIP_API_URL": "http://127.0.0.2:8081/services/gavip/api",
        "JUPYTERHUB_API_TOKEN": "token",
        "JUPYTERHUB_HOST": "http://gavip.localhost:8000",
    }
    assert Client.from_environment(environ).portal == "http://gavip.localhost:8000/"


def test_a_platform_that_is_not_well_says_what_is_wrong():
    told = {"status": "degraded", "problems": ["The Hub does not answer.", "Nothing new starts."]}
    answer = httpx.Response(503, json=told, request=httpx.Request("GET", "http://platform/health"))
    with pytest.raises(Unavailable, match=r"^The Hub does not answer\. Nothing new starts\.$"):
        raise_for_refusal(answer)
