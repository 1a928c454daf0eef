"""Opening an interface and starting a job in containers, beside what the engine itself needs. Medians and 95 %.

    python -m benchmarks.containers [--runs 20]

In turns: `docker run` of the image doing nothing (the limit); bare Voilà in the same image, from `docker run` to its whole
page; an interface opened through the platform, from the click (nothing of that user's is there; a spare may be) to the whole page;
its page once it is open. Then a job from submitting to its first cell, against `docker run` of papermill, by the
notebook's own clock; and what an interface with its kernel holds (PSS of all its processes).
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.support.notebooks import write_yardstick
from benchmarks.support.processes import pss_mb
from benchmarks.whole import CLOCK, first_cell
from tests.support.avis import notebook, write_avi
from tests.support.docker import IMAGE, need_engine
from tests.support.platform import Platform, eventually, running_platform
from tests.support.published import publish

USER = "scientist"
END = "</html>"
SETTINGS = f"""
c.Gavip.bundled_avis = False
c.Gavip.images = {{"avi-python": "{IMAGE}", "notebook": "{IMAGE}"}}
"""


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=20)
    runs: int = parser.parse_args().runs
    need_engine()
    with started() as (platform, folder):
        tell("docker run of nothing (s)", times(nothing, runs))
        tell("bare Voilà: docker run to page (s)", times(lambda: bare_voila(folder / "yardstick"), runs))
        with platform.signed_in(USER) as browser:
            opened = [open_cold(platform, browser) for _ in range(runs + 1)][1:]
            tell("open: click to ready (s)", [ready for ready, _, _ in opened])
            tell("open: click to page (s)", [page for _, page, _ in opened])
            tell("open again: page (s)", times(lambda: page_of(platform, browser), runs))
            tell("memory of an interface (MB, PSS)", [held for _, _, held in opened])
        tell("papermill: docker run to cell (s)", times(lambda: papermill(folder / "clock"), runs))
        tell("job: submit to cell (s)", [first_cell(platform, "clock") for _ in range(runs + 1)][1:])
    return 0


@contextmanager
def started() -> Iterator[tuple[Platform, Path]]:
    """Run a platform on the engine with the yardstick and the clock published."""
    with tempfile.TemporaryDirectory(prefix="gavip-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        write_yardstick(folder / "yardstick")
        code = {"avi.toml": 'title = "Clock"\n[pipelines.main]\nmemory = 256\n'}
        write_avi(folder / "clock", {**code, "pipelines/main.ipynb": notebook(CLOCK)})
        with running_platform(folder / "root", settings=SETTINGS, options=("--docker",)) as platform:
            for avi in ("yardstick", "clock"):
                publish(platform, avi, folder=folder / avi)
            yield platform, folder


def tell(what: str, values: list[float]) -> None:
    """Print a median and the 95th percentile."""
    ordered = sorted(values)
    print(
        f"{what:38}{statistics.median(ordered):8.2f}   95 %{ordered[int(0.95 * (len(ordered) - 1))]:8.2f}   of {len(ordered)}",
        flush=True,
    )


def times(action: Callable[[], float | None], runs: int) -> list[float]:
    """Return how long each took, or what it says itself, after one that warms the caches."""
    measured = []
    for _ in range(runs + 1):
        began = time.perf_counter()
        own = action()
        measured.append(time.perf_counter() - began if own is None else own)
    return measured[1:]


def docker(*words: str) -> str:
    """Run the engine's command."""
    return subprocess.run(["docker", *words], check=True, capture_output=True, text=True).stdout.strip()


def nothing() -> None:
    """Start the image and end at once."""
    docker("run", "--rm", "--network", "none", "--entrypoint", "true", IMAGE)


def bare_voila(folder: Path) -> float:
    """Return the time until stock Voilà in a container has sent its whole page (s)."""
    began = time.perf_counter()
    command = [
        "python",
        "-m",
        "voila",
        "--no-browser",
        "--port=8866",
        "--Voila.ip=0.0.0.0",
        "--token=b",
        "/a/app.ipynb",
    ]
    options = ["-d", "--rm", "-v", f"{folder}:/a:ro", "-e", "HOME=/tmp", "--entrypoint", command[0]]
    name = docker("run", *options, IMAGE, *command[1:])
    try:
        address = docker("inspect", "-f", "{{.NetworkSettings.IPAddress}}", name)
        with httpx.Client(base_url=f"http://{address}:8866", timeout=60) as client:
            while True:
                try:
                    page = client.get("/", params={"token": "b"}, follow_redirects=True)
                    break
                except httpx.TransportError:
                    time.sleep(0.01)
        assert END in page.text, page.text[:500]
        return time.perf_counter() - began
    finally:
        docker("kill", name)


def open_cold(platform: Platform, browser: httpx.Client) -> tuple[float, float, float]:
    """Open an interface of which nothing is there; return the times until it is ready and until its page has come, and its memory."""
    began = time.perf_counter()
    with platform.client(USER) as person:
        person.post("/servers", json={"avi": "yardstick"}).raise_for_status()
        eventually(lambda: platform.server_state("yardstick", USER) == "ready", "it is ready")
        ready = time.perf_counter() - began
        page_of(platform, browser)
        page = time.perf_counter() - began
        held = memory()
        platform.close_servers(USER)
        eventually(
            lambda: not list((platform.root / "containers").glob("gavip-server-*")), "its container is gone"
        )
    return ready, page, held


def page_of(platform: Platform, browser: httpx.Client) -> None:
    """Fetch the whole page, signing in to its origin where that is needed."""
    if platform.server_state("yardstick", USER) is None:
        platform.open_avi("yardstick", USER)
    page = browser.get(platform.avi_url("yardstick", USER))
    assert "Yardstick" in page.text, page.text[:500]
    assert END in page.text


def memory() -> float:
    """Return what the one open interface holds."""
    (container,) = docker("ps", "-q", "--filter", "name=^/gavip-server-").splitlines()
    return pss_mb(psutil.Process(int(docker("inspect", "-f", "{{.State.Pid}}", container))))


def papermill(folder: Path) -> float:
    """Return the time until the first cell of the same notebook runs under the papermill command in a container (s)."""
    asked = time.time()
    with tempfile.TemporaryDirectory() as results:
        Path(results).chmod(0o777)
        options = [
            "--rm",
            "--network",
            "none",
            "-v",
            f"{folder}:/a:ro",
            "-v",
            f"{results}:/r",
            "-e",
            "GAVIP_RESULTS_DIR=/r",
        ]
        options += ["-e", "HOME=/tmp", "-w", "/tmp", "--entrypoint", "python"]
        docker(
            "run",
            *options,
            IMAGE,
            "-m",
            "papermill",
            "--no-progress-bar",
            "/a/pipelines/main.ipynb",
            "/tmp/out.ipynb",
        )
        return float(Path(results, "began.txt").read_text()) - asked


if __name__ == "__main__":
    sys.exit(main())
