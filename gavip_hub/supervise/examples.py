"""Working copies of the AVIs that come with the platform."""

import hashlib
import shutil
from pathlib import Path

from gavip_hub.exceptions import NotFound
from gavip_hub.factory import bundled_folder

LEFT_OUT = ("__pycache__", ".gavip", ".ipynb_checkpoints")
"""What running an AVI leaves in its folder."""


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
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns(*LEFT_OUT))
    return True


def content_digest(folder: Path) -> str:
    """Return a short name of what is in a folder, the same as long as that is the same."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if path.is_file() and not set(relative.parts) & set(LEFT_OUT):
            digest.update(f"{relative}\0{path.stat().st_size}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:10]
