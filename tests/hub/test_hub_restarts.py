"""Each part of the platform is killed in turn; what runs for users goes on, and what was killed comes back."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from gavip_hub.supervise.identity import identify
from tests.support.avis import notebook
from tests.support.platform import Platform, eventually, platform_to_throw_away, start_platform

pytestmark = pytest.mark.hub
AVIS = Path(__file__).parents[1] / "data" / "avis"
FINAL = {"COMPLETED", "ERROR", "ABORTED"}


@pytest.fixture(scope="module")
def own() -> Iterator[Platform]:
    """A platform that may be killed, with an AVI open."""
    with platform_to_throw_away("killed", settings="c.Gavip.bundled_avis = False") as platform:
        avi = platform.root.parent / "hello"
        avi.mkdir()
        (avi / "app.ipynb").write_text(notebook("print('hello', 6 * 7)"))
        platform.publish(avi, "hello")
        platform.open_avi("hello", "scientist")
        yield platform


def kill(platform: Platform, sibling: str) -> int:
    """Kill a sibling as the kernel would, and return the pid that it had."""
    pid = platform.pid(sibling)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    return pid


def is_new(platform: Platform, sibling: str, old: int) -> bool:
    return platform.pid(sibling) not in (None, old)


def page(platform: Platform) -> str:
    with platform.signed_in("scientist") as browser:
        return browser.get(platform.avi_url("hello", "scientist")).text


def answers(platform: Platform) -> bool:
    """Tell whether a person can sign in and see the open AVI."""
    try:
        return "hello 42" in page(platform)
    except httpx.HTTPError:
        return False


def submit(platform: Platform, avi: str, **parameters: object) -> str:
    with platform.client("scientist") as scientist:
        asked = {"avi": avi, "pipeline": "main", "parameters": parameters}
        answer = scientist.post("/jobs", json=asked)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def phase(platform: Platform, job: str) -> str:
    with platform.client("scientist") as scientist:
        return str(scientist.get(f"/jobs/{job}").json()["phase"])


def state(platform: Platform, job: str) -> str:
    with platform.client("scientist") as scientist:
        return str(scientist.get(f"/jobs/{job}").json()["state"])


def shims(platform: Platform) -> set[str]:
    return {file.read_text() for file in (platform.root / "boxes").glob("*/shim.json")}


@pytest.mark.parametrize("sibling", ["proxy", "hub", "service"])
def test_a_killed_sibling_comes_back_and_the_open_avi_goes_on(own: Platform, sibling: str) -> None:
    before = shims(own)
    old = kill(own, sibling)
    eventually(lambda: is_new(own, sibling, old), f"there is a new {sibling}")
    eventually(lambda: answers(own), "the AVI answers as before")
    assert shims(own) == before


def test_all_three_at_once(own: Platform) -> None:
    before = shims(own)
    old = {sibling: kill(own, sibling) for sibling in ("hub", "service", "proxy")}
    eventually(lambda: all(is_new(own, sibling, pid) for sibling, pid in old.items()), "there are new ones")
    eventually(lambda: answers(own), "the AVI answers as before")
    assert shims(own) == before


def test_a_job_ends_well_though_everything_but_its_box_is_killed_while_it_runs(own: Platform) -> None:
    own.publish(AVIS / "sleeps", "sleeps")
    job = submit(own, "sleeps", seconds=15)
    # EXECUTING begins with the launch, and a launch that is interrupted rightly costs an attempt.
    eventually(lambda: state(own, job) == "RUNNING", "the job runs")
    old = {sibling: kill(own, sibling) for sibling in ("service", "hub")}
    os.kill(own.process.pid, signal.SIGKILL)
    own.process.wait()
    own.process = start_platform(own.root, port=own.port).process
    assert all(is_new(own, sibling, pid) for sibling, pid in old.items())
    eventually(lambda: phase(own, job) in FINAL, "the job ended")
    with own.client("scientist") as scientist:
        seen = scientist.get(f"/jobs/{job}").json()
    assert seen["phase"] == "COMPLETED", seen["error"]
    assert len(seen["attempts"]) == 1
    assert seen["results"]
    eventually(lambda: not list((own.root / "boxes").glob(f"gavip-{job}-*")), "its box is gone")
    assert not list((own.root / "attempts").glob(f"gavip-{job}-*"))


def test_the_killed_supervisors_platform_is_adopted_whole_and_ends_with_the_next(own: Platform) -> None:
    before = {sibling: own.pid(sibling) for sibling in ("proxy", "hub", "service", "webdav")}
    running = shims(own)
    os.kill(own.process.pid, signal.SIGKILL)
    own.process.wait()
    assert answers(own)
    following = start_platform(own.root, port=own.port)
    assert {sibling: following.pid(sibling) for sibling in before} == before
    assert sum("runs already" in line for line in following.said) == len(before)
    assert shims(following) == running
    following.end()
    assert following.process.returncode == 0
    assert not [pid for pid in before.values() if pid and identify(pid)]
    left = [
        file for file in (own.root / "boxes").glob("*/shim.json") if not file.with_name("exit.json").exists()
    ]
    assert left == []
    again = start_platform(own.root, port=own.port)
    own.process = again.process
    eventually(lambda: again.server_state("hello", "scientist") is None, "the closed server is forgotten")


def test_a_second_supervisor_is_refused_with_its_reason(own: Platform) -> None:
    command = [str(Path(sys.executable).with_name("gavip")), "up", "--root", str(own.root)]
    second = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert second.returncode == 5
    assert "runs already" in second.stderr


def test_a_port_in_use_is_told_with_the_next_step(own: Platform, tmp_path: Path) -> None:
    command = [
        str(Path(sys.executable).with_name("gavip")),
        "up",
        "--root",
        str(tmp_path),
        "--port",
        str(own.port),
    ]
    second = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert second.returncode == 5
    assert f"gavip up --port {own.port + 1}" in second.stderr
