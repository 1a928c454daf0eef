"""Names that one process of the platform leaves for another: whose files it changed."""

from contextlib import suppress
from pathlib import Path

from gavip_hub.storage.beneath import check_part


class WriteMarks:
    """Whose files were written by a process that does not measure them.

    Parameters
    ----------
    root
        The data root.
    """

    def __init__(self, *, root: Path) -> None:
        self._folder = root / "state" / "wrote"

    def leave(self, owner: str) -> None:
        """Say that somebody's files changed."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (self._folder / check_part(owner)).touch(mode=0o600)

    def take(self) -> set[str]:
        """Return whose files changed since this was asked last."""
        found = set()
        with suppress(FileNotFoundError):
            for path in self._folder.iterdir():
                path.unlink(missing_ok=True)
                found.add(path.name)
        return found
