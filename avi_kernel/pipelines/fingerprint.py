"""What the outputs of an AVI's tasks depend on besides their parameters: its files, Python and the packages.

Which of them a task uses cannot be known without running it, so that all count which it could use (docs/adr/0051).
"""

import hashlib
import os
import sys
from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path

from avi_kernel.protocol.layout import MANIFEST_FILE, NO_PART_OF_AN_AVI

_READ_BY_PEOPLE_ONLY = (
    MANIFEST_FILE,
    "README*",
    "LICENSE*",
    "LICENCE*",
    "app.ipynb",
    "app_outreach.ipynb",
    "dashboard_*.ipynb",
)
"""At the top of the folder: texts, and the interfaces, which are no tasks."""


@lru_cache
def fingerprint(folder: Path, *, outputs: Path | None = None) -> str:
    """Return a hash of all that an AVI's tasks may import or read; looked at once a process.

    Parameters
    ----------
    folder
        The AVI's.
    outputs
        Where outputs are kept: they may lie in the same folder, and are made of it.
    """
    seen = hashlib.sha256(f"python {sys.version_info.major}.{sys.version_info.minor}".encode())
    for package in installed():
        seen.update(b"\0package " + package.encode())
    for path in sorted(_counted(folder.resolve(), outputs and outputs.resolve())):
        with (folder / path).open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        seen.update(b"\0file " + os.fsencode(path) + b"\0" + content.encode())
    return seen.hexdigest()


def installed() -> list[str]:
    """Return name and version of each package that can be imported, as its installer wrote them."""
    places = [Path(place) for place in sys.path if place]
    return sorted({found.name for place in places for found in place.glob("*.dist-info")})


def _counted(folder: Path, outputs: Path | None) -> Iterator[str]:
    for top, folders, names in os.walk(folder):
        here = Path(top)
        folders[:] = [name for name in folders if name not in NO_PART_OF_AN_AVI and here / name != outputs]
        for name in names:
            apart = here == folder and any(fnmatchcase(name, each) for each in _READ_BY_PEOPLE_ONLY)
            if name not in NO_PART_OF_AN_AVI and not apart and (here / name).is_file():
                yield str((here / name).relative_to(folder))
