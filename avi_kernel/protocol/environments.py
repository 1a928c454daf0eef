"""What a build tells the platform: which packages an AVI gets beside those of its image, file by file."""

import hashlib
from typing import Annotated

from pydantic import Field

from avi_kernel.protocol.base import Count, Wire
from avi_kernel.protocol.runs import Sha256

LOCK_FILE = "environment.json"
"""Among the results of a build."""
LARGEST_LOCK = 1024 * 1024
MOST_WHEELS = 500
ENVIRONMENT_TARGET = "/environment"
"""Where a container sees what was built."""
PACKAGES = "lib"
"""Folder of an environment that is put on the path of kernels."""
WheelName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+!-]{0,250}\.whl$")]
Word = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+!-]{0,99}$")]


class LockedWheel(Wire):
    """One package, as the one file that it is installed from."""

    name: Word
    version: Word
    filename: WheelName
    sha256: Sha256
    size: Count
    """Bytes."""

    @property
    def result(self) -> str:
        """Name of the file among the results of a build."""
        return f"{self.sha256}.whl"


class Lock(Wire):
    """All packages of an environment; the same files are the same environment, whoever asks for them."""

    wheels: list[LockedWheel] = Field([], max_length=MOST_WHEELS)

    @property
    def digest(self) -> str:
        """Name of the environment, by the files that it is made of."""
        lines = sorted(f"{wheel.sha256} {wheel.filename}\n" for wheel in self.wheels)
        return hashlib.sha256("".join(lines).encode()).hexdigest()[:32]
