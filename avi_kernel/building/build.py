"""Build the environment of a release: find its packages, fetch each as one file, and say which these are."""

import hashlib
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from packaging.utils import parse_wheel_filename

from avi_kernel.building.installed import clash, installed
from avi_kernel.building.pip import Pip
from avi_kernel.pipelines.failures import PipelineFailed
from avi_kernel.protocol.environments import LOCK_FILE, MOST_WHEELS, Lock, LockedWheel
from avi_kernel.protocol.requirements import read_requirements
from avi_kernel.protocol.runs import JobError, Progress
from avi_kernel.reporter import Report


class EnvironmentBuild:
    """One build; everything happens in a scratch folder, and what counts is left in `results`.

    Parameters
    ----------
    code
        The AVI's folder.
    results
        Gets the files and the lock.
    index
        Address of the index that packages come from.
    environ
        What pip, and whatever a package runs to be built, may know.
    """

    def __init__(
        self, *, code: Path, results: Path, report: Report, index: str, environ: Mapping[str, str]
    ) -> None:
        self._code = code
        self._results = results
        self._report = report
        self._index = index
        self._environ = environ
        self.titles: dict[str, str] = {}

    def run(self, path: str) -> None:
        """Build.

        Parameters
        ----------
        path
            Of the requirements, within the AVI's folder.

        Raises
        ------
        avi_kernel.pipelines.failures.PipelineFailed
            With what was wrong.
        """
        requirements = read_requirements((self._code / path).read_text("utf-8-sig"))
        there = installed()
        self._require_no_clash(requirements, there)
        with tempfile.TemporaryDirectory() as folder:
            scratch = Path(folder)
            pip = Pip(index=self._index, scratch=scratch, environ=self._environ)
            self._say(0.1, "finding the packages")
            pinned = self._pinned(pip, scratch, requirements, there)
            self._say(0.4, f"fetching {len(pinned)} packages")
            self._keep(self._fetched(pip, scratch, pinned))

    def _say(self, fraction: float, message: str) -> None:
        self._report(Progress(fraction=fraction, message=message), (0.0, 1.0))

    @staticmethod
    def _require_no_clash(requirements: Sequence[str], there: dict[str, str]) -> None:
        clashes = [words for one in requirements if (words := clash(one, there))]
        if clashes:
            raise PipelineFailed(
                JobError(
                    code="not_built",
                    message="; ".join(clashes)[:2000],
                    hint="Leave it out of requirements.txt, or ask for the version that is there.",
                )
            )

    @staticmethod
    def _pinned(pip: Pip, scratch: Path, requirements: Sequence[str], there: dict[str, str]) -> list[str]:
        """Return what has to be added, each package with its version and the hash of its file."""
        wanted, kept, told = scratch / "requirements.txt", scratch / "image.txt", scratch / "found.json"
        wanted.write_text("".join(f"{one}\n" for one in requirements))
        kept.write_text("".join(f"{name}=={version}\n" for name, version in sorted(there.items())))
        pip("install", "--dry-run", "--report", told, "--constraint", kept, "--requirement", wanted)
        found = json.loads(told.read_text("utf-8"))["install"]
        if len(found) > MOST_WHEELS:
            raise PipelineFailed(
                JobError(
                    code="not_built", message=f"{len(found)} packages; at most {MOST_WHEELS} are accepted"
                )
            )
        return [_pin(one) for one in found]

    @staticmethod
    def _fetched(pip: Pip, scratch: Path, pinned: Sequence[str]) -> list[Path]:
        """Return the wheel of each package, made of its source where the index has no other."""
        wheels, lock = scratch / "wheels", scratch / "lock.txt"
        wheels.mkdir()
        lock.write_text("".join(f"{line}\n" for line in pinned))
        if pinned:
            pip("wheel", "--no-deps", "--require-hashes", "--wheel-dir", wheels, "--requirement", lock)
        return sorted(wheels.glob("*.whl"))

    def _keep(self, wheels: Sequence[Path]) -> None:
        locked = list(_locked(wheels))
        for wheel, path in zip(locked, wheels, strict=True):
            (self._results / wheel.result).write_bytes(path.read_bytes())
            self.titles[wheel.result] = wheel.filename
        self.titles[LOCK_FILE] = "The packages of the environment"
        (self._results / LOCK_FILE).write_text(Lock(wheels=locked).model_dump_json(indent=1))


def _pin(found: Mapping[str, Any]) -> str:
    """Return one line of a lock, from what pip reports."""
    about, source = found["metadata"], found["download_info"]["archive_info"]
    return f"{about['name']}=={about['version']} --hash=sha256:{source['hashes']['sha256']}"


def _locked(wheels: Sequence[Path]) -> Iterator[LockedWheel]:
    for path in wheels:
        name, version, _, _ = parse_wheel_filename(path.name)
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        yield LockedWheel(
            name=name, version=str(version), filename=path.name, sha256=digest, size=path.stat().st_size
        )
