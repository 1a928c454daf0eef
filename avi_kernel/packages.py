"""The packages that a release brought beside those of its image: on the path of what runs its code, and of nothing else."""

import os
import site
from collections.abc import Mapping

VARIABLE = "GAVIP_PACKAGES"
"""Names their folder, where there are any."""


def add(environ: Mapping[str, str] = os.environ) -> None:
    """Put them on this process's path, behind all that is there."""
    folder = environ.get(VARIABLE)
    if folder:
        site.addsitedir(folder)
