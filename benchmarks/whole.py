"""A whole platform: from submitting a job to its first cell, and what its processes hold, idle and after many jobs.

    python benchmarks/whole.py [--jobs 10000] [--runs 9]

The first cell is timed on the process backend, in its sandbox, by the notebook itself. The many jobs go in through the
API, one by one, and through the service, its database and its folders; the backend does nothing, so that what is
weighed is the platform. Memory is a process with its children, shared pages split fairly (PSS). Medians.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.support.processes import pss_mb
from tests.support.avis import notebook, write_avi
from tests.support.platform import Platform, eventually, running_platform
from tests.support.published import publish, run, submit

SIBLINGS = ("proxy", "hub", "service")
CLOCK = """
    import os, time
    from pathlib import Path
    (Path(os.environ["GAVIP_RESULTS_DIR"]) / "began.txt").write_text(str(time.time()))
    """
ROOMY = """
c.Gavip.quota = {"memory_mb": 65536, "cpu": 1024.0, "jobs": 1000000, "servers": 5}
c.Gavip.platform_memory_mb = 65536
c.Gavip.platform_cpu = 1024.0
"""


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--jobs", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=9)
    chosen = parser.parse_args()
    with started() as (platform, avi):
        times = [first_cell(platform, avi) for _ in range(chosen.runs + 1)][1:]
    print(f"submit to first cell   {statistics.median(times):6.2f} s   median of {chosen.runs}")
    with tempfile.TemporaryDirectory() as plugin, started(with_no_backend(Path(plugin))) as (platform, avi):
        idle = held(platform)
        seconds = many(platform, avi, chosen.jobs)
        later = held(platform)
    print(f"{chosen.jobs:,} jobs by the API, one by one, and through: {chosen.jobs / seconds:.0f} a second")
    for sibling in SIBLINGS:
        print(
            f"{sibling:<8} idle {idle[sibling]:6.0f} MB   after {chosen.jobs:,} jobs {later[sibling]:6.0f} MB"
        )
    return 0


@contextmanager
def started(settings: str = "") -> Iterator[tuple[Platform, str]]:
    """Run a platform with one AVI, whose pipeline tells when it began."""
    with tempfile.TemporaryDirectory(prefix="gavip-bench-") as folder:
        code = {"avi.toml": 'title = "Clock"\n[pipelines.main]\nmemory = 256\n'}
        made = write_avi(Path(folder) / "clock", {**code, "pipelines/main.ipynb": notebook(CLOCK)})
        with running_platform(Path(folder) / "root", settings=settings) as platform:
            yield platform, publish(platform, "clock", folder=made)


def with_no_backend(folder: Path) -> str:
    """Return settings that bring the backend that does nothing along, as a package of its own."""
    info = folder / "nothing-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: nothing\nVersion: 1\n")
    (info / "entry_points.txt").write_text(
        "[gavip.backends]\nnothing = benchmarks.support.nothing:NoBackend\n"
    )
    paths = [str(folder), str(Path(__file__).parents[1])]
    return f'import sys\nsys.path += {paths}\nc.Gavip.backend = "nothing"\n{ROOMY}'


def first_cell(platform: Platform, avi: str) -> float:
    """Return the seconds from submitting to the first cell, by the notebook's own clock."""
    with platform.client("scientist") as client:
        asked = time.time()
        job = run(client, avi)
        assert job["phase"] == "COMPLETED", job
        began = client.get(f"/jobs/{job['id']}/results/began.txt", follow_redirects=True)
    return float(began.raise_for_status().text) - asked


def many(platform: Platform, avi: str, jobs: int) -> float:
    """Submit jobs from two clients, and return how long it took until all were through."""
    began = time.perf_counter()
    with platform.client("scientist") as client, ThreadPoolExecutor(2) as pool:
        for _ in pool.map(lambda _: submit(client, avi), range(jobs)):
            pass
        eventually(lambda: client.get("/pools").json()[0]["jobs_used"] == 0, "all are through", seconds=600)
    return time.perf_counter() - began


def held(platform: Platform) -> dict[str, float]:
    """Return what each of the platform's processes holds (MB)."""
    return {name: pss_mb(psutil.Process(platform.pid(name))) for name in SIBLINGS}


if __name__ == "__main__":
    sys.exit(main())
