"""Things on their way: copies that are not whole yet, and what was deleted for good and is not gone yet."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from gavip_hub.trees import names_in, remove_tree


class Aside:
    """A folder of the platform's own, out of every box's reach; what a crash leaves there is removed by the next sweep.

    Parameters
    ----------
    root
        The data root.
    process
        Who makes things there: each sweeps its own folder, since it does not know what another holds.
    """

    def __init__(self, *, root: Path, process: str = "service") -> None:
        self._path = root / "aside" / process
        self._held: set[str] = set()

    @contextmanager
    def place(self) -> Iterator[tuple[int, str]]:
        """Give the open folder and a name in it for a thing that is being made; what is not moved on is removed."""
        with self._opened() as folder:
            name = secrets.token_hex(8)
            self._held.add(name)
            try:
                yield folder, name
            finally:
                try:
                    remove_tree(folder, name)
                finally:
                    self._held.discard(name)

    def drop(self, folder: int, name: str) -> None:
        """Take a thing out of an open folder at one stroke; it is gone with the next sweep."""
        with self._opened() as aside:
            os.rename(name, secrets.token_hex(8), src_dir_fd=folder, dst_dir_fd=aside)

    def sweep(self) -> int:
        """Remove what nobody makes any more; return how many things that were."""
        gone = 0
        with self._opened() as folder:
            for name in names_in(folder):
                if name not in self._held:
                    with suppress(FileNotFoundError):
                        remove_tree(folder, name)
                    gone += 1
        return gone

    @contextmanager
    def _opened(self) -> Iterator[int]:
        self._path.parent.mkdir(exist_ok=True, mode=0o700)
        self._path.mkdir(exist_ok=True, mode=0o700)
        folder = os.open(self._path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            yield folder
        finally:
            os.close(folder)
