"""The mark on installing: whether this environment has the packages that an AVI asks for."""

import os
import sys
from collections.abc import Mapping, Sequence
from importlib import metadata

from packaging.requirements import Requirement

from avi_kernel.packages import VARIABLE as OWN_PACKAGES
from avi_kernel.protocol.requirements import REQUIREMENTS_FILE, package_of
from avi_kernel.protocol.scorecard import Mark


def installs(requirements: Sequence[str], environ: Mapping[str, str] = os.environ) -> Mark:
    """Return the mark for what an AVI requires, as it was read with its folder."""
    if not requirements:
        return Mark(
            key="installs", state="passed", sentence="The folder is an AVI; it asks for no further packages."
        )
    wanted = _wanted(requirements)
    places = [*sys.path, *filter(None, [environ.get(OWN_PACKAGES)])]
    missing = [str(each) for each in wanted if not _is_there(each, places)]
    if missing:
        return Mark(
            key="installs",
            state="failed",
            sentence=f"{REQUIREMENTS_FILE} asks for what is not installed here: {', '.join(missing[:8])}.",
            change=f"Install them before the check: pip install -r {REQUIREMENTS_FILE}",
        )
    return Mark(
        key="installs",
        state="passed",
        sentence=f"The folder is an AVI, and what it requires is installed: {', '.join(each.name for each in wanted)[:300]}.",
    )


def _wanted(requirements: Sequence[str]) -> list[Requirement]:
    """Return the packages that are named, with this system's markers heeded."""
    named = [package_of(each) for each in requirements]
    return [each for each in named if each.marker is None or each.marker.evaluate()]


def _is_there(wanted: Requirement, places: list[str]) -> bool:
    """Tell whether a package is installed here, or was brought by the release."""
    found = metadata.distributions(name=wanted.name, path=places)
    return any(wanted.specifier.contains(each.version, prereleases=True) for each in found)
