"""Whatever goes wrong with a job is told in words, alike in API, portal and command, and nothing is lost."""

import json
import shutil
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.platform import Platform
from tests.support.published import AVIS, follow, publish, run, submit
from tests.support.told import Gavip, portal_page, told_alike

pytestmark = pytest.mark.hub


def test_a_job_that_raises_names_the_cell_and_keeps_its_notebook(
    platform: Platform, scientist: httpx.Client, gavip: Gavip
) -> None:
    job = run(scientist, publish(platform, "raises"))
    assert (job["phase"], job["error"]["code"], job["error"]["ename"]) == ("ERROR", "raised", "ValueError")
    assert job["error"]["cell"] == 2
    assert [result["name"] for result in job["results"] if result["name"].endswith(".ipynb")]
    told_alike(platform, gavip, job, "ValueError")


def test_a_job_that_ends_its_interpreter_says_so(
    platform: Platform, scientist: httpx.Client, gavip: Gavip
) -> None:
    job = run(scientist, publish(platform, "exits"))
    assert (job["phase"], job["error"]["code"]) == ("ERROR", "exited")
    told_alike(platform, gavip, job, job["error"]["message"].split(".")[0])


@pytest.mark.sandbox
def test_a_job_without_enough_memory_says_what_it_asked_for(
    platform: Platform, scientist: httpx.Client, gavip: Gavip
) -> None:
    avi = publish(platform, "fills-memory")
    job = run(scientist, avi, parameters={"limit_mb": 2000}, memory_mb=300)
    assert (job["phase"], job["error"]["code"]) == ("ERROR", "out_of_memory")
    told_alike(platform, gavip, job, "300 MB")


@pytest.mark.sandbox
def test_a_job_without_enough_memory_is_started_again_with_more_where_its_owner_agreed(
    platform: Platform, scientist: httpx.Client, gavip: Gavip
) -> None:
    avi = publish(platform, "fills-memory")
    wishes = ["--memory-mb=256", "--again-with-more-memory", "--parameter=limit_mb=200"]
    submitted = gavip("--json", "job", "submit", avi, "main", *wishes)
    job = follow(scientist, json.loads(submitted.stdout)["id"])
    assert (job["phase"], job["memory_mb"], job["memory_source"]) == ("COMPLETED", 384, "out_of_memory")
    first, second = job["attempts"]
    assert (first["exit_reason"], first["memory_mb"]) == ("out_of_memory", 256)
    assert second["exit_reason"] == "exited"
    assert 256 < second["memory_peak_mb"] <= second["memory_mb"] == 384
    told = "It ran out of memory at 256 MB and was started again with 384 MB."
    assert told in portal_page(platform, f"/jobs/{job['id']}")


def test_a_job_that_runs_out_of_time_says_how_long_it_had(
    platform: Platform, scientist: httpx.Client, gavip: Gavip, tmp_path: Path
) -> None:
    folder = shutil.copytree(AVIS / "sleeps", tmp_path / "short-nap")
    with (folder / "avi.toml").open("a") as manifest:
        manifest.write("time_limit = 4\n")
    job = run(scientist, publish(platform, "short-nap", folder=folder))
    assert (job["phase"], job["error"]["code"]) == ("ERROR", "time_limit")
    told_alike(platform, gavip, job, "4 s")


@pytest.mark.parametrize(
    ("parameters", "field", "words"),
    [
        ({"a": "many"}, "a", "must be"),
        ({"c": 1}, "c", "unknown parameter"),
        ({"a": 101}, "a", "at most 100"),
        ({"x=1\nimport os\nos.system('true')\nz": 1}, None, "unknown parameter"),
    ],
    ids=["wrong", "unknown", "out of range", "a name that is code"],
)
def test_a_bad_parameter_is_refused_with_what_would_be_accepted(
    platform: Platform,
    scientist: httpx.Client,
    gavip: Gavip,
    parameters: dict[str, Any],
    field: str | None,
    words: str,
) -> None:
    client, avi = scientist, publish(platform, "works")
    before = client.get("/jobs").json()["items"]
    answer = client.post("/jobs", json={"avi": avi, "pipeline": "main", "parameters": parameters})
    assert answer.status_code == 422
    assert words in answer.json()["message"]
    assert field is None or answer.json()["field"] == field
    pairs = [f"--parameter={name}={value}" for name, value in parameters.items()]
    command = gavip("job", "submit", avi, "main", *pairs)
    assert command.returncode == 2
    assert words in command.stderr
    assert client.get("/jobs").json()["items"] == before


def test_a_manifest_with_an_unknown_key_is_refused_by_name(platform: Platform, tmp_path: Path) -> None:
    folder = shutil.copytree(AVIS / "works", tmp_path / "mistaken")
    manifest = (folder / "avi.toml").read_text()
    (folder / "avi.toml").write_text('colour = "blue"\n' + manifest)
    request = {"folder": str(folder), "avi": "mistaken", "version": "1.0.0"}
    with platform.client("operator") as operator:
        answer = operator.post("/avis/mistaken/releases", json=request)
    assert (answer.status_code, answer.json()["error"]) == (422, "bad_manifest")
    assert "colour" in answer.json()["message"]
    assert "avi.toml" in answer.json()["message"]


def test_another_users_things_are_not_there(
    platform: Platform, developer: httpx.Client, scientist: httpx.Client, gavip: Gavip
) -> None:
    owner, other = developer, scientist
    job = run(owner, publish(platform, "works"))
    result = job["results"][0]["name"]
    paths = [f"/jobs/{job['id']}{rest}" for rest in ("", "/log", "/events", "/results", f"/results/{result}")]
    assert {other.get(path).status_code for path in paths} == {404}
    assert {owner.get(path).status_code for path in paths} == {200}
    assert other.post(f"/jobs/{job['id']}/cancel").status_code == 404
    assert gavip("job", "get", job["id"]).returncode == 4
    assert "no such" in portal_page(platform, f"/jobs/{job['id']}").lower()


def test_another_users_server_is_not_there(
    platform: Platform, developer: httpx.Client, scientist: httpx.Client
) -> None:
    # An AVI of its own: others of this session may have left one of theirs open.
    avi = publish(platform, "theirs", folder=AVIS / "works")
    owner, other = developer, scientist
    assert owner.post("/servers", json={"avi": avi}).status_code == 202
    assert other.delete(f"/servers/{avi}").status_code == 404
    assert avi not in [server["name"] for server in other.get("/servers").json()]
    with platform.hub("scientist") as hub:
        assert hub.get("/users/developer").status_code in {403, 404}
    owner.delete(f"/servers/{avi}")


def test_a_cancelled_job_is_aborted_and_frees_its_pool(platform: Platform, scientist: httpx.Client) -> None:
    client, avi = scientist, publish(platform, "sleeps")
    job = submit(client, avi)
    follow(client, job, until={"EXECUTING"})
    assert client.post(f"/jobs/{job}/cancel").status_code == 200
    assert follow(client, job)["phase"] == "ABORTED"
    pools = {pool["owner"]: pool for pool in client.get("/pools").json()}
    assert pools["scientist"]["jobs_used"] == 0
