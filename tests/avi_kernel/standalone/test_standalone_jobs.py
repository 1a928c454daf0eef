"""Standalone mode: jobs of a folder, by the platform's own runner, kept below the folder."""

import json
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from avi_kernel.client import Client
from avi_kernel.protocol.api import Phase
from avi_kernel.standalone.store import LocalStore
from tests.support.jobs import notebook_avi
from tests.support.local_api import TOKEN, local_api


@pytest.fixture
def folder(tmp_path) -> Path:
    return notebook_avi(tmp_path / "own", "print('hello from the job')")


def gavip(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("gavip")), *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=120)


def test_a_pipeline_runs_in_the_terminal(folder):
    ran = gavip("dev", str(folder), "--run", "main", cwd=folder)
    assert ran.returncode == 0, ran.stderr
    assert "hello from the job" in ran.stdout
    executed = ran.stdout.splitlines()[-1].split("  ")[0]
    assert json.loads(Path(executed).read_text())["cells"]


def test_a_pipeline_that_fails_ends_with_one(tmp_path):
    folder = notebook_avi(tmp_path / "own", "1 / 0")
    ran = gavip("dev", str(folder), "--run", "main", cwd=tmp_path)
    assert ran.returncode == 1
    assert "ZeroDivisionError" in ran.stdout


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("--run", "nothing"), 4, "own has: main"),
        (("--run", "main", "-p", "a=1"), 2, "unknown parameter"),
        (("--run", "main", "-p", "a"), 2, "NAME=VALUE"),
        (("-p", "a=1"), 2, "--run"),
    ],
)
def test_what_is_wrong_is_told_in_a_sentence(folder, arguments, status, words):
    ran = gavip("dev", str(folder), *arguments, cwd=folder)
    assert (ran.returncode, words in ran.stderr) == (status, True), ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_job_knows_the_role_that_is_played(tmp_path):
    asks = "from avi_kernel import profile; print('played:', profile.current().roles)"
    folder = notebook_avi(tmp_path / "own", asks)
    ran = gavip("dev", str(folder), "--role", "outreach", "--run", "main", cwd=tmp_path)
    assert "played: ['outreach']" in ran.stdout


def test_a_wrong_manifest_is_named(folder):
    (folder / "avi.toml").write_text("colour = 1")
    ran = gavip("dev", str(folder), "--run", "main", cwd=folder)
    assert ran.returncode == 2
    assert "avi.toml, line 1: colour: unknown key" in ran.stderr


def test_everything_stays_below_the_folder_and_out_of_git(folder):
    gavip("dev", str(folder), "--run", "main", cwd=folder)
    assert sorted(path.name for path in folder.iterdir()) == [".gavip", "pipelines"]
    assert (folder / ".gavip" / ".gitignore").read_text() == "*\n"


def test_a_change_of_the_notebook_counts_at_once(folder):
    with local_api(folder, "own") as api:
        client = Client(api.jobs.api_url, TOKEN, avi="own")
        client.submit("main").wait(60)
        notebook = folder / "pipelines" / "main.ipynb"
        notebook.write_text(notebook.read_text().replace("hello", "good evening"))
        job = client.submit("main").wait(60)
        assert "good evening" in api.jobs.store.log(job.id, 0).text
        client.close()


def test_jobs_are_there_after_a_restart(folder):
    with local_api(folder, "own") as api:
        client = Client(api.jobs.api_url, TOKEN, avi="own")
        job = client.submit("main").wait(60)
        client.close()
    with local_api(folder, "own") as api:
        client = Client(api.jobs.api_url, TOKEN, avi="own")
        assert client.job(job.id).phase == "COMPLETED"
        client.close()


def test_a_job_that_was_cut_off_is_told_so(folder):
    with local_api(folder, "own") as api:
        client = Client(api.jobs.api_url, TOKEN, avi="own")
        job = client.submit("main").wait(60)
        client.close()
    records = folder / ".gavip" / "jobs"
    LocalStore(records).change(job.id, phase=Phase.EXECUTING, state="RUNNING")
    assert LocalStore(records).get(job.id).error.code == "platform"


def test_a_time_limit_ends_a_job(tmp_path):
    folder = notebook_avi(tmp_path / "own", "import time; time.sleep(600)")
    (folder / "avi.toml").write_text("[pipelines.main]\ntime_limit = 3")
    with local_api(folder, "own") as api:
        client = Client(api.jobs.api_url, TOKEN, avi="own")
        job = client.submit("main")
        job.follow()
        assert job._ended.wait(60)
        assert job.error.code == "time_limit"
        client.close()


def test_a_runner_that_is_killed_is_told_as_a_lack_of_memory(tmp_path):
    kill = "import os, signal; os.kill(os.getppid(), signal.SIGKILL); os._exit(1)"
    folder = notebook_avi(tmp_path / "own", kill)
    ran = gavip("dev", str(folder), "--run", "main", cwd=tmp_path)
    view = LocalStore(folder / ".gavip" / "jobs").list()[0]
    assert (ran.returncode, view.error.code) == (1, "killed")
    assert "want of memory" in view.error.hint


def test_ending_the_server_ends_its_jobs(tmp_path):
    folder = notebook_avi(tmp_path / "own", "import time; time.sleep(600)")
    with local_api(folder, "own") as api:
        client = Client(api.jobs.api_url, TOKEN, avi="own")
        job = client.submit("main")
        client.close()
    assert api.jobs.store.get(job.id).phase == "ABORTED"
    assert api.jobs._processes[job.id].returncode is not None


def test_results_of_other_names_are_not_served(folder):
    with local_api(folder, "own") as api:
        client = Client(api.jobs.api_url, TOKEN, avi="own")
        job = client.submit("main").wait(60)
        client.close()
        address = f"{api.jobs.api_url}/jobs/{job.id}/results/..%2Foutcome.json"
        assert httpx.get(address, headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 404


def test_a_link_that_a_container_left_is_not_followed_by_a_job(folder, tmp_path):
    (tmp_path / "bashrc").write_text("mine")
    (folder / ".gavip").mkdir()
    (folder / ".gavip" / ".gitignore").symlink_to(tmp_path / "bashrc")
    ran = gavip("dev", str(folder), "--run", "main", cwd=folder)
    assert (ran.returncode, (tmp_path / "bashrc").read_text()) == (0, "mine")


def test_a_token_of_odd_letters_is_refused_like_any_other(folder):
    with local_api(folder, "own") as api:
        for path in ("/me", "/attempts/self"):
            answer = httpx.get(f"{api.jobs.api_url}{path}", headers={"Authorization": b"Bearer \xe9"})
            assert answer.status_code == 401
