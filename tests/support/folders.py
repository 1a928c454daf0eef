"""Folders as strangers make them."""

import os
from pathlib import Path


def nest(folder: Path, levels: int) -> None:
    """Make folders within folders, as deep as a path in one piece could never say."""
    here = os.open(folder, os.O_DIRECTORY)
    for _ in range(levels):
        os.mkdir("d", dir_fd=here)
        deeper = os.open("d", os.O_DIRECTORY, dir_fd=here)
        os.close(here)
        here = deeper
    os.close(here)
