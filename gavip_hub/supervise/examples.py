"""Working copies of the AVIs that come with the platform."""

import shutil
from pathlib import Path

from gavip_hub.exceptions import NotFound
from gavip_hub.factory import bundled_folder


def working_copy(folder: Path, *, example: str = "hr_diagram") -> bool:
    """Copy an example AVI to work on; return False where the folder is there already, which is then kept.

    Raises
    ------
    gavip_hub.exceptions.NotFound
        There is no such example.
    """
    source = bundled_folder() / example
    if not source.is_dir():
        known = ", ".join(sorted(path.name for path in bundled_folder().iterdir() if path.is_dir()))
        raise NotFound(f"There is no example {example!r}; there are: {known}.")
    if folder.exists():
        return False
    shutil.copytree(
        source, folder, ignore=shutil.ignore_patterns("__pycache__", ".gavip", ".ipynb_checkpoints")
    )
    return True
