"""What an AVI's requirements.txt asks for and this Python has not, told in words with the command that mends it."""

import os
import shlex
import sys
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from avi_kernel import packages
from avi_kernel.protocol.requirements import REQUIREMENTS_FILE, package_of


def missing(requirements: Iterable[str]) -> list[str]:
    """Return each requirement that is not met here, with what there is instead."""
    return [f"{words} ({why})" for words in requirements if (why := _lack(words))]


def _lack(requirement: str) -> str:
    package = package_of(requirement)
    if package.marker and not package.marker.evaluate():
        return ""
    try:
        found = version(package.name)
    except PackageNotFoundError:
        return "not installed"
    met = package.specifier.contains(found, prereleases=True)
    return "" if met else f"{found} is installed"


def notice(folder: Path, requirements: Iterable[str]) -> str:
    """Return what to say of them; nothing where all are there."""
    lacks = missing(requirements)
    if not lacks or packages.VARIABLE in os.environ:  # built for it, and on the path of its kernels alone
        return ""
    file = shlex.quote(str(folder / REQUIREMENTS_FILE))
    command = f"{shlex.quote(sys.executable)} -m pip install -r {file}"
    return f"{REQUIREMENTS_FILE} asks for what is not here: {', '.join(lacks)}.\nInstall it: {command}"
