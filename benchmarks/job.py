"""A job's overhead against the `papermill` command on the same notebook, in turns, medians of many runs.

    python benchmarks/job.py [--runs 9] [--notebook FILE]

The job does more than the command: it fetches its document, reports progress, describes its results and reports its
outcome. The goal is at most 0.7 of the command's time all the same. A notebook that does nothing is all overhead.
"""

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.support.jobs import AVIS, document_of, job_environment, played_platform

GOAL = 0.7


def main() -> int:
    """Measure, print, and tell by the exit status whether the goal was reached."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--notebook", type=Path, default=AVIS / "no-parameters" / "pipelines" / "main.ipynb")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        times = measure(Path(folder), chosen.notebook.resolve(), chosen.runs)
    papermill, job = (statistics.median(each) for each in zip(*times, strict=True))
    print(f"papermill command  {papermill:6.3f} s   median of {chosen.runs}")
    print(f"gavip job          {job:6.3f} s   median of {chosen.runs}")
    print(f"ratio              {job / papermill:6.2f}     goal: at most {GOAL}")
    return 0 if job / papermill <= GOAL else 1


def measure(folder: Path, notebook: Path, runs: int) -> list[tuple[float, float]]:
    """Time both in turns, after one run of each that warms the file cache."""
    code = folder / "avi"
    (code / "pipelines").mkdir(parents=True)
    shutil.copy(notebook, code / "pipelines" / "main.ipynb")
    document = document_of("", folder=code)
    with played_platform(document) as platform:
        environ = job_environment(folder, code, platform.url)
        command = [sys.executable, "-m", "papermill", "--no-progress-bar", "-k", "python3"]
        command += [str(notebook), str(folder / "executed.ipynb")]

        def papermill() -> None:
            subprocess.run(command, check=True, capture_output=True, cwd=folder)

        def job() -> None:
            shutil.rmtree(folder / "attempt", ignore_errors=True)
            (folder / "attempt").mkdir()
            ours = [sys.executable, "-m", "avi_kernel", "run"]
            subprocess.run(ours, check=True, capture_output=True, env=environ, cwd=environ["GAVIP_WORK_DIR"])

        return [(seconds(papermill), seconds(job)) for _ in range(runs + 1)][1:]


def seconds(action: Callable[[], None]) -> float:
    """Return how long it took."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


if __name__ == "__main__":
    sys.exit(main())
