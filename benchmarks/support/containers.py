"""What a machine's engine does by itself: the image doing nothing, stock programs in it, our server with parts left out."""

import math
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil

from benchmarks.support.processes import pss_mb
from tests.support.docker import IMAGE

TOKEN = "benchmark"
LOCAL = "127.0.0.1:8866"
END = "</html>"
LONGEST = 30.0
"""Seconds for a page."""
SITE = "/opt/gavip/lib/python3.11/site-packages"
SERVER = """
import runpy
runpy.run_module('avi_kernel.interface', run_name='__main__', alter_sys=True)
"""
BARE = [
    *["-m", "voila", "--no-browser", "--port=8866", "--Voila.ip=0.0.0.0"],
    *[f"--token={TOKEN}", "/a/app.ipynb"],
]
WITHOUT: dict[str, tuple[list[str], str]] = {
    "nothing": ([], ""),
    "kernels forked from a warm nursery": (
        [],
        "from avi_kernel.interface import forking; forking.available = lambda: False",
    ),
    "the Hub's database left out": (
        [],
        "import contextlib; from avi_kernel import fast_imports; fast_imports.without_the_hubs_database = contextlib.nullcontext",
    ),
    "the grammar left out": ([], "from avi_kernel import fast_imports; fast_imports.apply = lambda: None"),
    "scripts joined when the image is built": (
        ["--tmpfs", f"{SITE}/avi_kernel/interface/share/ahead"],
        "",
    ),
    "byte-code": (["-e", "PYTHONPYCACHEPREFIX=/nowhere"], ""),
}
"""An optimisation of the interface server -> options of `docker run` and lines of Python that take it out."""


def docker(*words: str) -> str:
    """Run the engine's command."""
    return subprocess.run(["docker", *words], check=True, capture_output=True, text=True).stdout.strip()


def nothing() -> None:
    """Start the image and end at once."""
    docker("run", "--rm", "--network", "none", "--entrypoint", "true", IMAGE)


@contextmanager
def serving(folder: Path, *options: str, command: list[str]) -> Iterator[tuple[str, str]]:
    """Run Python in the image with a notebook; give the container's name and its server's address."""
    own = ["-d", "--rm", "-v", f"{folder}:/a:ro", "-e", "HOME=/tmp", "--entrypoint", "python"]
    name = docker("run", *own, *options, IMAGE, *command)
    try:
        address = docker("inspect", "-f", "{{.NetworkSettings.IPAddress}}", name)
        yield name, f"http://{address}:8866"
    finally:
        docker("kill", name)


def answers(url: str) -> None:
    """Wait until a server answers anything."""
    until = time.monotonic() + LONGEST
    while True:
        try:
            httpx.get(f"{url}/nothing-here")
        except httpx.TransportError as error:
            if time.monotonic() > until:
                raise NeverCame(f"nothing answers at {url}: {error}") from None
            time.sleep(0.01)
        else:
            return


class NeverCame(Exception):
    """A page that did not come to its end. One of bare Voilà does so now and then, and sends signs of life for ever."""


def whole_page(url: str) -> str:
    """Wait until a server answers, and return its whole page."""
    answers(url)
    # Our server answers under the name of loopback alone: a page of elsewhere could call it by any other.
    known = {"Authorization": f"token {TOKEN}", "Host": LOCAL}
    request = httpx.stream("GET", url, headers=known, timeout=LONGEST, follow_redirects=True)
    page, until = "", time.monotonic() + LONGEST
    with request as answer:
        for piece in answer.iter_text():
            page += piece
            if time.monotonic() > until:
                raise NeverCame(url)
    assert END in page, page[:500]
    return page


def bare(folder: Path) -> float:
    """Return the time from `docker run` to the whole page of stock Voilà (s); infinite where it never comes."""
    began = time.perf_counter()
    with serving(folder, command=BARE) as (_, url):
        try:
            whole_page(url)
        except (NeverCame, httpx.ReadTimeout):
            return math.inf
        return time.perf_counter() - began


def ours(folder: Path, without: str) -> tuple[float, float]:
    """Return the time from `docker run` to the whole page of our server (s), and what it holds (MB), with something taken out."""
    options, prelude = WITHOUT[without]
    command = ["-c", f"{prelude}\n{SERVER}", "--standalone", "--ip=0.0.0.0", "--port=8866", "--folder=/a"]
    began = time.perf_counter()
    with serving(folder, *options, "-e", f"GAVIP_DEV_TOKEN={TOKEN}", command=command) as (name, url):
        whole_page(url)
        return time.perf_counter() - began, held(name)


def held(name: str) -> float:
    """Return what the processes of a container hold (MB, PSS)."""
    return pss_mb(_first(name))


def cpu_seconds(name: str) -> float:
    """Return the time that the processes of a container have computed."""
    first = _first(name)
    times = [process.cpu_times() for process in (first, *first.children(recursive=True))]
    return sum(spent.user + spent.system for spent in times)


def _first(name: str) -> psutil.Process:
    return psutil.Process(int(docker("inspect", "-f", "{{.State.Pid}}", name)))


def papermill(folder: Path) -> float:
    """Return the time until the first cell of a notebook runs under the papermill command in a container (s)."""
    asked = time.time()
    with tempfile.TemporaryDirectory() as results:
        Path(results).chmod(0o777)
        options = ["--rm", "--network", "none", "-v", f"{folder}:/a:ro", "-v", f"{results}:/r"]
        options += ["-e", "GAVIP_RESULTS_DIR=/r", "-e", "HOME=/tmp", "-w", "/tmp", "--entrypoint", "python"]
        command = ["-m", "papermill", "--no-progress-bar", "/a/pipelines/main.ipynb", "/tmp/out.ipynb"]
        docker("run", *options, IMAGE, *command)
        return float(Path(results, "began.txt").read_text()) - asked
