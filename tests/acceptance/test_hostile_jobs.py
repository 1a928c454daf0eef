"""A pipeline that does its worst: its owner is told what happened, its results are what they say, others go on."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.support.docker import need_engine
from tests.support.hostile import FORGERIES, write_hostile
from tests.support.platform import Platform, platform_to_throw_away
from tests.support.published import follow, publish, run, submit
from tests.support.told import Gavip, told_alike

pytestmark = [pytest.mark.hub, pytest.mark.sandbox, pytest.mark.acceptance]
AVI = "hostile"
UNFORGED = ("interrupts", "interrupts_runner", "kills_runner", "floods", "bomb", "forks", "writes")


@pytest.fixture(scope="module", params=["process", pytest.param("docker", marks=pytest.mark.docker)])
def platform(request: pytest.FixtureRequest) -> Iterator[Platform]:
    """A platform where jobs may write 128 MB, its log of 64 MB among them, with the AVI published."""
    options = ("--docker",) if request.param == "docker" else ()
    if options:
        need_engine()
    with platform_to_throw_away("hostile", settings="c.Gavip.results_mb = 128", options=options) as running:
        publish(running, AVI, folder=write_hostile(running.root.parent / AVI))
        yield running


@pytest.fixture(scope="module")
def victim(platform: Platform) -> dict[str, Any]:
    """Another job of the same user, which ended well."""
    with platform.client("scientist") as client:
        return run(client, publish(platform, "works"))


@pytest.fixture(scope="module")
def submitted(platform: Platform) -> dict[str, str]:
    """Pipeline -> its job; they wait for room and run side by side."""
    with platform.client("scientist") as client:
        return {pipeline: submit(client, AVI, pipeline) for pipeline in UNFORGED}


@pytest.fixture
def ended(submitted: dict[str, str], scientist: httpx.Client) -> Any:
    """Give the job of a pipeline when it has ended."""
    return lambda pipeline: follow(scientist, submitted[pipeline], seconds=180)


def log_of(client: httpx.Client, job: dict[str, Any], *, offset: int) -> str:
    return str(client.get(f"/jobs/{job['id']}/log", params={"offset": offset}).json()["text"])


def names(job: dict[str, Any]) -> list[str]:
    return [result["name"] for result in job["results"]]


@pytest.mark.parametrize(
    ("pipeline", "code", "words"),
    [
        ("interrupts", "raised", "cell 1: the code was interrupted (KeyboardInterrupt)"),
        ("kills_runner", "exited", "ended with exit status 137 before it reported an outcome"),
        ("forks", "too_many_processes", "the code started too many processes and threads"),
        ("bomb", "out_of_memory", "asked for 128 MB of memory"),
        ("writes", "too_much_written", "it wrote more than the 128 MB that it may"),
    ],
)
def test_how_it_ended_is_told_alike_everywhere(
    platform: Platform, gavip: Gavip, ended: Any, pipeline: str, code: str, words: str
) -> None:
    job = ended(pipeline)
    assert (job["phase"], job["error"]["code"]) == ("ERROR", code)
    assert job["error"]["hint"] or code == "raised"
    told_alike(platform, gavip, job, words)


def test_a_failed_cell_keeps_its_notebook(ended: Any) -> None:
    assert names(ended("interrupts")) == ["interrupts.ipynb"]
    assert names(ended("forks")) == ["forks.ipynb"]


def test_an_interrupt_to_the_runner_changes_nothing(scientist: httpx.Client, ended: Any) -> None:
    job = ended("interrupts_runner")
    assert job["phase"] == "COMPLETED"
    assert "went on" in log_of(scientist, job, offset=0)


def test_who_prints_a_gigabyte_loses_neither_the_beginning_nor_the_end(
    scientist: httpx.Client, ended: Any
) -> None:
    job = ended("floods")
    assert job["phase"] == "COMPLETED", job["error"]
    assert "begin\nxxx" in log_of(scientist, job, offset=0)
    assert "xxx\nthe end\n" in log_of(scientist, job, offset=-1000)
    (kept,) = job["results"]
    assert (kept["name"], kept["size"] < 1_100_000) == ("floods.ipynb", True)


def test_a_forged_report_is_refused_and_reaches_no_other_job(
    scientist: httpx.Client, victim: dict[str, Any]
) -> None:
    job = run(scientist, AVI, "forges_progress", parameters={"victim": victim["id"]})
    assert job["phase"] == "COMPLETED", job["error"]
    assert scientist.get(f"/jobs/{job['id']}/results/answers.json").json() == {
        "200 %": 422,
        "less than nothing": 422,
        "a long message": 422,
        "of another job": 422,
        "at another job's address": 404,
        "another job": 401,
        "its result": 401,
        "cancel it": 401,
        "submit": 401,
        "5 MB": 413,
        "an honest one": 204,
    }
    assert scientist.get(f"/jobs/{victim['id']}").json() == victim


def test_a_report_after_the_end_is_refused(
    platform: Platform, scientist: httpx.Client, victim: dict[str, Any]
) -> None:
    job = run(scientist, AVI, "forges_progress", parameters={"victim": victim["id"]})
    token = scientist.get(f"/jobs/{job['id']}/results/token.txt").text
    with platform.browserless(headers={"Authorization": f"Bearer {token}"}) as late:
        answers = [
            late.post(f"/services/gavip/api/attempts/self/{what}", json={"fraction": 0.1})
            for what in ("progress", "outcome")
        ]
    assert {answer.status_code for answer in answers} <= {401, 422}
    assert answers[0].status_code == 401
    assert "ended" in answers[0].json()["message"]
    assert scientist.get(f"/jobs/{job['id']}").json() == job


def test_forged_outcomes_are_refused_in_words(
    platform: Platform, scientist: httpx.Client, gavip: Gavip, victim: dict[str, Any]
) -> None:
    jobs = {
        how: submit(scientist, AVI, "forges_outcome", parameters={"victim": victim["id"], "how": how})
        for how in FORGERIES
    }
    found = {how: follow(scientist, job, seconds=180) for how, job in jobs.items()}
    told = {how: (job["phase"], job["error"] and job["error"]["message"]) for how, job in found.items()}
    assert {how: phase for how, (phase, _) in told.items()} == dict.fromkeys(FORGERIES, "ERROR"), told
    assert [how for how, words in FORGERIES.items() if words not in told[how][1]] == [], told
    assert [names(job) for job in found.values()] == [[]] * len(FORGERIES)
    told_alike(platform, gavip, found["another size"], "has 4 bytes, not 5")
    assert scientist.get(f"/jobs/{victim['id']}").json() == victim


def test_afterwards_an_honest_job_runs_and_nothing_is_held(
    platform: Platform, scientist: httpx.Client
) -> None:
    assert run(scientist, publish(platform, "works"))["phase"] == "COMPLETED"
    mine, _ = scientist.get("/pools").json()
    assert (mine["jobs_used"], mine["memory_used_mb"]) == (0, 0)
    for told in (platform.log("service"), "\n".join(platform.said)):
        assert "Traceback" not in told
