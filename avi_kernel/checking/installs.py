"""The mark on installing: whether the folder is an AVI, and this environment has the packages that it asks for."""

import os
import sys
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

from avi_kernel.packages import VARIABLE as OWN_PACKAGES
from avi_kernel.protocol.requirements import (
    LARGEST_REQUIREMENTS,
    REQUIREMENTS_FILE,
    RequirementProblem,
    read_requirements,
)
from avi_kernel.protocol.scorecard import Mark


def installs(folder: Path, environ: Mapping[str, str] = os.environ) -> Mark:
    """Return the mark for a folder that was read as an AVI."""
    file = folder / REQUIREMENTS_FILE
    if not file.exists():
        return Mark(
            key="installs", state="passed", sentence="The folder is an AVI; it asks for no further packages."
        )
    if file.is_symlink() or not file.is_file() or file.stat().st_size > LARGEST_REQUIREMENTS:
        return _bad(
            f"{REQUIREMENTS_FILE} is no plain file of at most {LARGEST_REQUIREMENTS // 1024} kB.",
            "Make it one.",
        )
    try:
        wanted = _wanted(file.read_text("utf-8"))
    except RequirementProblem as problem:
        return _bad(
            f"{REQUIREMENTS_FILE}, line {problem.line}: {problem}",
            "Mend the line; docs/how-to/bring-packages.md.",
        )
    except UnicodeDecodeError:
        return _bad(
            f"{REQUIREMENTS_FILE} is not text in UTF-8.", "Write one package a line, such as astropy>=6."
        )
    places = [*sys.path, *filter(None, [environ.get(OWN_PACKAGES)])]
    missing = [str(each) for each in wanted if not _is_there(each, places)]
    if missing:
        return _bad(
            f"{REQUIREMENTS_FILE} asks for what is not installed here: {', '.join(missing[:8])}.",
            f"Install them before the check: pip install -r {REQUIREMENTS_FILE}",
        )
    return Mark(
        key="installs",
        state="passed",
        sentence=f"The folder is an AVI, and what it requires is installed: {', '.join(each.name for each in wanted)[:300]}.",
    )


def _wanted(text: str) -> list[Requirement]:
    """Return the packages that are named, with this system's markers heeded."""
    named = [Requirement(line.split(" --hash")[0]) for line in read_requirements(text)]
    return [each for each in named if each.marker is None or each.marker.evaluate()]


def _is_there(wanted: Requirement, places: list[str]) -> bool:
    """Tell whether a package is installed here, or was brought by the release."""
    found = metadata.distributions(name=wanted.name, path=places)
    return any(wanted.specifier.contains(each.version, prereleases=True) for each in found)


def _bad(sentence: str, change: str) -> Mark:
    return Mark(key="installs", state="failed", sentence=sentence, change=change)
