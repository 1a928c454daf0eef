"""What an image promises to its AVIs, and a machine may lack whose own processes are the boxes."""

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from gavip_hub.config import Gavip

OUTSIDE_PYTHON = ("/usr/local/bin", "/usr/bin", "/bin")
"""Where boxes of every kind look for programs, after those beside their Python."""


@dataclass(frozen=True, kw_only=True)
class _Promise:
    programs: tuple[str, ...]
    got_by: str


_PROMISES = {
    "avi-java": _Promise(programs=("java", "javac"), got_by="apt-get install openjdk-17-jdk-headless"),
    "avi-fortran": _Promise(
        programs=("gfortran", "meson", "ninja"),
        got_by="apt-get install gfortran python3-dev; pip install meson ninja",
    ),
}


def own_path() -> str:
    """Return where boxes that are processes of this machine look for programs."""
    return os.pathsep.join([str(Path(sys.prefix, "bin")), *OUTSIDE_PYTHON])


def lacking(config: Gavip, image: str) -> str:
    """Say what an AVI made for an image will miss in this platform's boxes, and what helps; nothing where it has all."""
    promise = _PROMISES.get(image)
    if promise is None or config.backend != "process":
        return ""
    path = own_path()
    gone = [name for name in promise.programs if shutil.which(name, path=path) is None]
    if not gone:
        return ""
    return (
        f"It is made for the image {image}, and this platform, whose boxes are processes of its machine, has no "
        f"{', no '.join(gone)}. Ask its operator: {promise.got_by}; or containers: gavip up --docker"
    )
