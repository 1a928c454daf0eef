"""An AVI whose pipelines take all they can of one thing, without end, and count what they did."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.support.avis import notebook, write_avi
from tests.support.interface import kernel_of
from tests.support.platform import Platform, eventually
from tests.support.published import follow, submit

ACTS = "acts"
"""A file in a job's folder: as many bytes as its bomb did its worst."""
_COUNT = f"""
import os, pathlib, socket, sys
attempt = pathlib.Path(os.environ["GAVIP_ATTEMPT_DIR"])
counted = os.open(attempt / {ACTS!r}, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
def acted():
    os.write(counted, b".")
"""
_FORKS = """
while True:
    try:
        os.fork()
    except OSError:
        acted()
"""
_MEMORY = """
while True:
    if (child := os.fork()) == 0:
        held = []
        while True:
            held.append(b"x" * (1 << 20))
    _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == 9, status
    acted()
"""
_DISK = """
import errno
place, most_mb = (pathlib.Path("/tmp/filler"), 1 << 30) if os.fork() == 0 else (attempt / "results/filler", 200)
while True:
    with place.open("wb", buffering=0) as file:
        try:
            for _ in range(most_mb):
                file.write(b"x" * (1 << 20))
                os.fsync(file.fileno())
                if place.is_relative_to(attempt):
                    acted()
        except OSError as error:
            assert error.errno == errno.ENOSPC, error
    place.unlink()
"""
_LOG = """
log = os.open(f"/proc/{sys.argv[1]}/fd/1", os.O_WRONLY)
while True:
    os.write(log, b"x" * 65_535 + b"\\n")
    acted()
"""
_DESCRIPTORS = """
def all_there_are(kept):
    while True:
        kept.append(os.open("/etc/passwd", os.O_RDONLY))

def hold():
    kept = []
    while True:
        try:
            all_there_are(kept)
        except OSError:
            acted()
        for descriptor in kept[:100]:
            os.close(descriptor)
        del kept[:100]

def knock(way):
    while True:
        with socket.socket(socket.AF_UNIX) as line:
            try:
                line.connect(f"/run/gavip-ways/{way}")
            except OSError:
                pass

for way in ("api", "egress", "log"):
    if os.fork() == 0:
        knock(way)
for _ in range(20):
    if os.fork() == 0:
        break
hold()
"""
BOMBS = {"forks": _FORKS, "memory": _MEMORY, "disk": _DISK, "log": _LOG, "descriptors": _DESCRIPTORS}
_LIGHT = """
import os, subprocess, sys
subprocess.run([sys.executable, "-S", "-c", {code!r}, str(os.getppid())], check=True)
"""
_MANIFEST = 'title = "Takes all it can"\n' + "".join(
    f"[pipelines.{name}]\nmemory = 256\ntime_limit = 300\n" for name in BOMBS
)


def write_bombs(folder: Path) -> Path:
    """Write the AVI and return its folder."""
    pipelines = {
        f"pipelines/{name}.ipynb": notebook(_LIGHT.format(code=_COUNT + code)) for name, code in BOMBS.items()
    }
    return write_avi(folder, {"avi.toml": _MANIFEST, **pipelines})


@contextmanager
def going_off(platform: Platform, user: str, bomb: str) -> Iterator[Callable[[], int]]:
    """Run a bomb as a job of a user's; yields what tells how often it has done its worst by now."""
    with platform.client(user) as person:
        job = submit(person, "bombs", bomb)
        attempts = platform.root / "attempts"

        def acts() -> int:
            return sum(file.stat().st_size for file in attempts.glob(f"*{job}*/{ACTS}"))

        eventually(lambda: acts() > 0, f"the bomb {bomb} goes off")
        yield acts
        assert person.get(f"/jobs/{job}").json()["phase"] == "EXECUTING"
        person.post(f"/jobs/{job}/cancel")
        follow(person, job)


@dataclass(frozen=True)
class Visitor:
    """A person who loads the page of an open interface again and again, and leaves it each time."""

    browser: httpx.Client
    url: str

    def page_time(self) -> float:
        """Return how long the whole page took (s)."""
        began = time.perf_counter()
        page = self.browser.get(self.url)
        took = time.perf_counter() - began
        assert '"image/png"' in page.text, page.text[-500:]
        self._leave(kernel_of(page.text))
        return took

    def _leave(self, kernel: str) -> None:
        """Say what a page that goes away says."""
        origin = "/".join(self.url.split("/")[:3])
        parts = {"headers": {"Origin": origin}, "files": {"_xsrf": (None, "")}}
        self.browser.post(f"{self.url}voila/api/shutdown/{kernel}", **parts).raise_for_status()
