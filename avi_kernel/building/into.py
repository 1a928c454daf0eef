"""Fetch what an AVI asks for beside its image, as a release's build does, and install it into a folder: `gavip dev --image`."""

import os
import sys
import tempfile
from pathlib import Path

from avi_kernel.building.build import EnvironmentBuild
from avi_kernel.building.pip import Pip
from avi_kernel.pipelines.failures import PipelineFailed
from avi_kernel.protocol.environments import LOCK_FILE, Lock
from avi_kernel.protocol.runs import Progress


def build(requirements: Path, target: Path, *, index: str) -> None:
    """Fill a folder with the packages that a file of requirements asks for and this Python has not.

    Raises
    ------
    avi_kernel.pipelines.failures.PipelineFailed
        With what was wrong.
    """
    with tempfile.TemporaryDirectory() as place:
        results = Path(place)
        EnvironmentBuild(
            code=requirements.parent, results=results, report=_say, index=index, environ=os.environ
        ).run(requirements.name)
        wheels = _by_name(results)
        if wheels:
            pip = Pip(index=index, scratch=results, environ=os.environ)
            pip("install", "--no-index", "--no-deps", "--target", target, *wheels)


def _say(progress: Progress, _: tuple[float, float]) -> None:
    sys.stderr.write(f"{progress.message}\n")


def _by_name(results: Path) -> list[Path]:
    """Return the files of a build under the names that pip reads."""
    lock = Lock.model_validate_json((results / LOCK_FILE).read_text("utf-8"))
    return [(results / wheel.result).rename(results / wheel.filename) for wheel in lock.wheels]


if __name__ == "__main__":
    try:
        build(Path(sys.argv[1]), Path(sys.argv[2]), index=sys.argv[3])
    except PipelineFailed as failed:
        sys.exit(failed.error.message)
