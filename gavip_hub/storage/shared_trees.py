"""Products as readers' containers see them: folders of hard links to contents, put and taken at one stroke each."""

import errno
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from gavip_hub.domain.products import Place, is_leaf
from gavip_hub.exceptions import NotFound, Unavailable
from gavip_hub.storage.beneath import PASSABLE, READABLE, check_part, opened_folder
from gavip_hub.storage.blobs import Blobs
from gavip_hub.trees import is_folder, remove_path

_DEPTHS = {"everyone": 2, "me": 3, "groups": 4}
"""Folders below each until a product's own."""

_FOLDERS = {
    ("shared",): PASSABLE,
    ("shared", "me"): PASSABLE,
    ("shared", "groups"): PASSABLE,
    ("shared", "everyone"): READABLE,
    ("products",): 0o700,
    ("products", "trees"): 0o700,
}


class SharedTrees:
    """What lies below `shared`.

    Parameters
    ----------
    root
        The data root.
    """

    def __init__(self, *, root: Path, blobs: Blobs) -> None:
        self._root = root
        self._shared = root / "shared"
        self._aside = root / "products" / "trees"
        self._blobs = blobs

    def prepare(self) -> None:
        """Make the folder of what is half put or half taken, and empty it."""
        self._make_folders()
        for name in _names(self._aside):
            remove_path(self._aside / name)

    def put(self, place: Place, files: Mapping[str, str]) -> None:
        """Show files, path -> digest, in a folder that is there whole or not at all."""
        self._make_folders()
        made = self._aside / secrets.token_hex(16)
        try:
            self._fill(made, files)
            with self._way(place[:-1]) as folder:
                if not is_folder(folder, place[-1]):
                    os.rename(made, check_part(place[-1]), dst_dir_fd=folder)
        finally:
            remove_path(made)

    def take(self, place: Place) -> None:
        """Show a folder no more: at once and whole, then its links are removed."""
        self._make_folders()
        gone = self._aside / secrets.token_hex(16)
        try:
            with opened_folder(self._shared, place[:-1]) as folder:
                os.rename(check_part(place[-1]), gone, src_dir_fd=folder)
        except (FileNotFoundError, NotFound):
            return
        remove_path(gone)
        self._tidy(place)

    def present(self) -> Iterator[Place]:
        """Yield all places in which something of the platform's lies."""
        for kind, depth in _DEPTHS.items():
            for path in _at_depth(self._shared / kind, depth):
                if is_leaf(path.name):
                    yield path.relative_to(self._shared).parts

    def places(self, *, owner: str, leaf: str) -> set[Place]:
        """Return where one product lies."""
        candidates: list[Place] = [("everyone", owner, leaf)]
        candidates += [("me", reader, owner, leaf) for reader in _names(self._shared / "me")]
        for reader in _names(self._shared / "groups"):
            groups = _names(self._shared / "groups" / reader)
            candidates += [("groups", reader, group, owner, leaf) for group in groups]
        return {place for place in candidates if self._shared.joinpath(*place).is_dir()}

    def _make_folders(self) -> None:
        for parts, mode in _FOLDERS.items():
            with opened_folder(self._root, parts, make=True, mode=mode):
                pass

    def _fill(self, made: Path, files: Mapping[str, str]) -> None:
        made.mkdir()
        made.chmod(READABLE)
        for path, digest in files.items():
            parts = [check_part(part) for part in path.split("/")]
            folder = made
            for part in parts[:-1]:
                folder /= part
                if not folder.is_dir():
                    folder.mkdir()
                    folder.chmod(READABLE)
            _link(self._blobs.path_of(digest), folder / parts[-1])

    @contextmanager
    def _way(self, parts: Sequence[str]) -> Iterator[int]:
        """Give a folder below `shared`, made where it is missing; those above the readers' own let nobody list them."""
        for most in range(2, len(parts) + 1):
            with opened_folder(self._shared, parts[:most], make=True) as folder, suppress(PermissionError):
                if os.geteuid() == 0:  # earlier versions gave it to its reader
                    os.fchown(folder, 0, 0)
                os.fchmod(folder, READABLE)
        with opened_folder(self._shared, parts) as folder:
            yield folder

    def _tidy(self, place: Place) -> None:
        """Remove the folders on the way that are empty now, but for a reader's own: containers have that."""
        least = 2 if place[0] == "everyone" else 3
        for most in range(len(place) - 1, least - 1, -1):
            try:
                with opened_folder(self._shared, place[: most - 1]) as folder:
                    os.rmdir(place[most - 1], dir_fd=folder)
            except (OSError, NotFound, Unavailable):
                return


def _link(blob: Path, target: Path) -> None:
    try:
        os.link(blob, target)
    except OSError as error:
        if error.errno != errno.EMLINK:  # a content that is shown some ten thousand times
            raise
        shutil.copyfile(blob, target)
        target.chmod(0o444)


def _names(folder: Path) -> list[str]:
    try:
        return [entry.name for entry in os.scandir(folder) if entry.is_dir(follow_symlinks=False)]
    except FileNotFoundError:
        return []


def _at_depth(folder: Path, depth: int) -> Iterator[Path]:
    if depth == 0:
        yield folder
        return
    for name in _names(folder):
        yield from _at_depth(folder / name, depth - 1)
