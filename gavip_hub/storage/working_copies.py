"""A project's files in a person's own space, without git's: what belongs to git stays with the platform.

Which commit a copy follows stands in the project's repository, as a reference that neither pushes nor clones see.
So nothing that lies in the space, which is a stranger's, is ever asked for settings, hooks or objects.
"""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from gavip_hub.exceptions import Conflict, NotFound, Unavailable
from gavip_hub.storage.beneath import check_part, opened_folder
from gavip_hub.storage.copies import Tree
from gavip_hub.storage.git_entries import Entry
from gavip_hub.storage.repositories import Repositories
from gavip_hub.storage.uploads import give, way
from gavip_hub.trees import is_folder

PLACE = "projects"
"""Folder of the user-space in which they lie."""


class WorkingCopies:
    """Copies of projects in users' spaces.

    Parameters
    ----------
    root
        The data root.
    """

    def __init__(self, *, root: Path, repositories: Repositories) -> None:
        self._root = root
        self._repositories = repositories

    def base(self, owner: str, avi: str) -> str:
        """Return the commit that somebody's copy follows; nothing where they have none."""
        if not self._repositories.is_made(avi) or not self._is_there(owner, avi):
            return ""
        return self._repositories.git(avi).named(reference(owner))

    def make(self, owner: str, avi: str, tree: Tree, commit: str) -> None:
        """Put the files of a commit, taken out to where nobody else writes, into somebody's space at one stroke.

        Raises
        ------
        Conflict
            Something lies there already.
        """
        with self._repositories.held(avi), self._place(owner) as (place, whose):
            if _lies(place, avi):
                raise Conflict(
                    f"{PLACE}/{avi} of your space is there and is no working copy of {avi}: rename it in your notebook "
                    "server, and choose Edit in JupyterLab again."
                )
            _give_all(tree.folder, whose)
            try:
                os.rename(tree.folder, avi, dst_dir_fd=place)
            except OSError as error:
                raise Conflict(
                    f"{PLACE}/{avi} was made at this moment by something else: try again."
                ) from error
            self._repositories.git(avi).run("update-ref", reference(owner), commit)

    def put_aside(self, owner: str, avi: str, name: str) -> None:
        """Rename somebody's copy; nothing of it is lost.

        Raises
        ------
        Conflict
            Something lies under the new name.
        """
        with self._repositories.held(avi), self._place(owner) as (place, _):
            if not is_folder(place, check_part(avi)) or _lies(place, check_part(name)):
                raise Conflict(f"{PLACE}/{avi} cannot be renamed to {name}: look into your space.")
            os.rename(avi, name, src_dir_fd=place, dst_dir_fd=place)

    def taken_in(self, owner: str, avi: str, known: Mapping[str, Entry]) -> Tree:
        """Copy what lies in somebody's folder to where nobody else writes; links are refused in words.

        Parameters
        ----------
        known
            Small files that are as they are there are not copied.
        """
        space = self._root / "users" / check_part(owner)
        return self._repositories.take_in(space, [PLACE, check_part(avi)], known)

    def _is_there(self, owner: str, avi: str) -> bool:
        with (
            suppress(NotFound, Unavailable, FileNotFoundError),
            opened_folder(self._root / "users" / check_part(owner), [PLACE]) as folder,
        ):
            return is_folder(folder, check_part(avi))
        return False

    @contextmanager
    def _place(self, owner: str) -> Iterator[tuple[int, os.stat_result]]:
        """Give the folder of somebody's copies, and whose the space is."""
        with (
            opened_folder(self._root, ["users"], make=True, mode=0o711) as users,
            way(users, [check_part(owner), PLACE]) as found,
        ):
            yield found


def reference(owner: str) -> str:
    """Return the name that stands for the commit which somebody's copy follows; git takes few letters in one."""
    plain = re.sub(r"[^A-Za-z0-9_-]", lambda odd: "".join(f"%{byte:02X}" for byte in odd[0].encode()), owner)
    return f"refs/gavip/copies/{plain}"


def _lies(folder: int, name: str) -> bool:
    """Tell whether anything lies at a name, be it a link to nothing."""
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _give_all(folder: Path, whose: os.stat_result) -> None:
    """Give a tree that is the platform's own until now to the owner of a space."""
    for _, _, names, here in os.fwalk(folder, follow_symlinks=False):
        for name in names:
            file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=here)
            try:
                give(file, whose)
            finally:
                os.close(file)
        give(here, whose)
