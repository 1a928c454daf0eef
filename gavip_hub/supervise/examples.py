"""The AVIs that come with the platform, and working copies of them."""

import shutil
from pathlib import Path

import gavip_hub
from gavip_hub.exceptions import NotFound


def bundled_folder() -> Path:
    """Return where the bundled AVIs lie: within the package, or beside it in a checkout of the repository.

    Raises
    ------
    gavip_hub.exceptions.NotFound
        This installation has none.
    """
    package = Path(gavip_hub.__file__).parent
    for folder in (package / "bundled", package.parent / "voila_apps"):
        if folder.is_dir():
            return folder
    raise NotFound("This installation of gavip-hub has no bundled AVIs; install it anew from its wheel.")


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
