"""`gavip dev --image` with the platform's own image: the page, a job, live reload, packages, and that nothing remains."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.support.avis import notebook, write_avi
from tests.support.docker import IMAGE, need_engine
from tests.support.package_index import package_index, wheel
from tests.support.platform import eventually

pytestmark = [pytest.mark.acceptance, pytest.mark.docker]

PIPELINE = """
import os, pathlib
from avi_kernel.pipelines import result
pathlib.Path(result("who.txt", title="Who")).write_text(f"{os.getuid()} {stars}")
"""
BOUND = 90


@pytest.fixture
def folder(tmp_path) -> Path:
    need_engine()
    files = {
        "app.ipynb": notebook("print('first words')"),
        "pipelines/count.ipynb": notebook(PIPELINE, parameters="stars = 3"),
    }
    return write_avi(tmp_path / "bright-stars", files)


@contextmanager
def dev(folder: Path, *arguments: str) -> "Iterator[tuple[subprocess.Popen[str], list[str]]]":
    """Run it until the end of the block; yield its process and the two addresses that it printed."""
    command = [str(Path(sys.executable).with_name("gavip")), "dev", str(folder), "--image", IMAGE, *arguments]
    # Who runs the tests in the background has Ctrl-C ignored, and so would all that is started here.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen(
        [*command, "--no-browser"],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "XDG_CACHE_HOME": str(folder.parent / "cache")},
    )
    try:
        assert process.stdout is not None
        yield process, [process.stdout.readline().split()[-1] for _ in range(2)]
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=BOUND)


def containers(folder: Path) -> list[str]:
    """Return the engine's containers of this folder, running or not."""
    asked = [
        "docker",
        "ps",
        "--all",
        "--quiet",
        "--filter",
        "label=gavip.dev",
        "--filter",
        f"volume={folder}",
    ]
    return subprocess.run(asked, check=True, capture_output=True, text=True).stdout.split()


@contextmanager
def browser(address: str) -> Iterator[httpx.Client]:
    """Come in as a browser does."""
    url = httpx.URL(address)
    origin = f"http://{url.host}:{url.port}"
    with httpx.Client(base_url=origin, headers={"Origin": origin}, timeout=BOUND) as client:
        client.get(address)
        yield client


def test_the_interface_opens_a_job_runs_and_ctrl_c_leaves_nothing(folder):
    with dev(folder) as (process, (interface, page)):
        assert "first words" in httpx.get(interface, timeout=BOUND, follow_redirects=True).text
        with browser(page) as client:
            job = client.post("/pipelines/count", data={"p.stars": "7"}).headers["Location"]
            eventually(lambda: "Completed" in client.get(job).text, "the job's end", seconds=BOUND)
            assert client.get(f"{job}/results/who.txt").text == f"{os.getuid()} 7"
        assert len(containers(folder)) == 1
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        assert containers(folder) == []
    results = list(folder.glob(".gavip/jobs/*/results/who.txt"))
    assert [path.stat().st_uid for path in results] == [os.getuid()]


def test_another_name_is_refused_and_the_container_is_told_what_changes(folder):
    with dev(folder) as (_, (interface, page)):
        port = httpx.URL(page).port
        assert httpx.get(page, headers={"Host": f"evil.example:{port}"}).status_code == 403
        where = httpx.URL(interface)
        answer = httpx.get(interface, headers={"Host": f"evil.example:{where.port}"})
        assert answer.status_code == 403
        with httpx.Client(timeout=BOUND, follow_redirects=True) as client:
            assert "first words" in client.get(interface).text
            revision = client.get(where.join("/api/revision")).text
            (folder / "app.ipynb").write_text(notebook("print('other words')"))
            assert client.get(where.join("/api/revision")).text != revision
            assert "other words" in client.get(interface).text


def test_who_kills_the_command_leaves_no_container_either(folder):
    with dev(folder) as (process, _):
        process.kill()
        process.wait(20)
        eventually(lambda: containers(folder) == [], "the container's end", seconds=BOUND)


def test_the_folder_cannot_be_changed_and_nothing_else_is_seen(folder):
    code = "import pathlib, os\nfor place in ['/avi/x', '/opt/x', '/etc/x']:\n    try:\n        pathlib.Path(place).write_text('x')\n        print('wrote', place)\n    except OSError:\n        print('refused', place)\nprint(sorted(os.listdir('/home')), os.path.exists('/var/run/docker.sock'))"
    write_avi(folder, {"pipelines/tries.ipynb": notebook(code)})
    ran = run(folder, "tries")
    assert re.findall(r"(?m)^(?:wrote|refused) /\S+", ran.stdout) == [
        "refused /avi/x",
        "refused /opt/x",
        "refused /etc/x",
    ]
    assert "[] False" in ran.stdout
    assert f"{folder}/.gavip/jobs/" in ran.stdout


def test_packages_are_built_once_and_seen_by_jobs(folder, monkeypatch):
    write_avi(
        folder,
        {
            "requirements.txt": "starnames\n",
            "pipelines/names.ipynb": notebook("import starnames; print('brightest:', starnames.BRIGHTEST)"),
        },
    )
    with package_index() as index:
        index.add(wheel("starnames", "1.0", {"starnames.py": "BRIGHTEST = 'Sirius'\n"}))
        monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{index.port}/simple")
        first = run(folder, "names")
    assert "brightest: Sirius" in first.stdout, first.stderr
    again = run(folder, "names")
    assert "brightest: Sirius" in again.stdout
    assert "Fetching" not in again.stderr


def run(folder: Path, pipeline: str) -> "subprocess.CompletedProcess[str]":
    command = [
        str(Path(sys.executable).with_name("gavip")),
        "dev",
        str(folder),
        "--image",
        IMAGE,
        "--run",
        pipeline,
    ]
    environ = {**os.environ, "XDG_CACHE_HOME": str(folder.parent / "cache")}
    return subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=BOUND * 2, env=environ
    )
