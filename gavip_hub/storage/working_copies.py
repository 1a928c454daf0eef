"""A project's files in a person's own space, without git's: what belongs to git stays with the platform.

Which commit a copy was made of stands in the project's repository, as a reference that neither pushes nor clones see.
So nothing that lies in the space, which is a stranger's, is ever asked for settings, hooks or objects.
"""

import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from avi_kernel.protocol.folder import NO_PART_OF_AN_AVI
from gavip_hub.exceptions import Conflict, NotFound, Unavailable
from gavip_hub.storage.beneath import check_part, opened_folder
from gavip_hub.storage.copies import Tree
from gavip_hub.storage.git import NO_OBJECT, Commit, Git
from gavip_hub.storage.repositories import Repositories
from gavip_hub.storage.uploads import give, way
from gavip_hub.trees import is_folder, remove_tree

PLACE = "projects"
"""Folder of the user-space in which they lie."""
MAIN = "refs/heads/main"
_PIECE = 1024 * 1024
_MODES = {False: "100644", True: "100755"}


@dataclass(frozen=True, kw_only=True)
class Change:
    """One file that differs."""

    path: str
    kind: Literal["added", "changed", "removed"]


Files = Mapping[str, tuple[str, str]]
"""Path -> mode and object."""


def changes(before: Files, after: Files) -> list[Change]:
    """Return what differs, by path."""
    found = [
        Change(path=path, kind="added" if path not in before else "changed")
        for path, what in after.items()
        if before.get(path) != what
    ]
    found += [Change(path=path, kind="removed") for path in before if path not in after]
    return sorted(found, key=lambda one: one.path)


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
        """Return the commit that somebody's copy was made of; nothing where they have none."""
        if not self._repositories.is_made(avi) or not self._is_there(owner, avi):
            return ""
        return self._repositories.git(avi).named(_reference(owner))

    def make(self, owner: str, avi: str, commit: str) -> None:
        """Put the files of a commit into a new folder of somebody's space.

        Raises
        ------
        Conflict
            Something lies there already.
        BadManifest
            The commit holds a link, a submodule, or too much.
        """
        tree = self._repositories.take_out(avi, commit)
        try:
            self._put(owner, avi, tree, commit)
        finally:
            self._repositories.discard(tree)

    def taken_in(self, owner: str, avi: str) -> Tree:
        """Copy what lies in somebody's folder, opened file by file; links are refused in words."""
        return self._repositories.take_in(self._root / "users" / check_part(owner), [PLACE, check_part(avi)])

    def changed(self, avi: str, base: str, tree: Tree) -> list[Change]:
        """Return what differs between a commit and a copy of somebody's folder."""
        git = self._repositories.git(avi)
        return changes(_of_commit(git, base), _of_tree(git, tree, write=False))

    def record(self, avi: str, base: str, tree: Tree, commit: Commit, *, owner: str) -> str:
        """Commit what differs on the main branch, as it is now, and return the commit.

        Raises
        ------
        Conflict
            The main branch is no longer at `base`, or nothing differs.
        """
        git = self._repositories.git(avi)
        with self._repositories.held(avi):
            after = _of_tree(git, tree, write=True)
            found = changes(_of_commit(git, base), after)
            if not found:
                raise Conflict("Nothing in your folder differs from what main has.")
            written = _with(git, base, found, after, folder=self._repositories.folder(avi))
            made = git.run("commit-tree", written, "-m", commit.message, "-p", base, extra=commit.signature())
            told = f"start\nupdate {MAIN} {made} {base}\nupdate {_reference(owner)} {made} {base}\nprepare\ncommit\n"
            try:
                git.run("update-ref", "--stdin", given=told)
            except Unavailable:
                if git.named(MAIN) == base and git.named(_reference(owner)) == base:
                    raise
                raise Conflict("The main branch moved meanwhile; nothing was taken.") from None
        return made

    def _is_there(self, owner: str, avi: str) -> bool:
        try:
            with opened_folder(self._root / "users" / check_part(owner), [PLACE]) as folder:
                return is_folder(folder, check_part(avi))
        except (NotFound, Unavailable, FileNotFoundError):
            return False

    def _put(self, owner: str, avi: str, tree: Tree, commit: str) -> None:
        with (
            opened_folder(self._root, ["users"], make=True, mode=0o711) as users,
            way(users, [check_part(owner), PLACE]) as (place, whose),
        ):
            hidden = f".{check_part(avi)}-{secrets.token_hex(4)}"
            try:
                self._fill(place, hidden, tree, whose)
                # Before it is in its place: a folder without a base could not be taken from.
                self._repositories.git(avi).run("update-ref", _reference(owner), commit)
                os.rename(hidden, avi, src_dir_fd=place, dst_dir_fd=place)
            except OSError as error:
                raise Conflict(
                    f"{PLACE}/{avi} of your space is there already: rename it, and try again."
                ) from error
            finally:
                with suppress(OSError):
                    remove_tree(place, hidden)

    def _fill(self, place: int, hidden: str, tree: Tree, whose: os.stat_result) -> None:
        with way(place, [hidden], whose=whose):
            pass
        for path, executable in tree.files.items():
            *folders, name = path.split("/")
            with way(place, [hidden, *folders], whose=whose) as (folder, _):
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
                target = os.open(name, flags, 0o755 if executable else 0o644, dir_fd=folder)
                with (tree.folder / path).open("rb") as source, os.fdopen(target, "wb") as file:
                    while piece := source.read(_PIECE):
                        file.write(piece)
                    give(file.fileno(), whose)


def _reference(owner: str) -> str:
    return f"refs/gavip/copies/{check_part(owner)}"


def _of_commit(git: Git, commit: str) -> dict[str, tuple[str, str]]:
    """Return the files of a commit, but those that no copy has."""
    return {
        entry.path: (entry.mode, entry.object_id)
        for entry in git.entries(commit)
        if NO_PART_OF_AN_AVI.isdisjoint(entry.path.split("/"))
    }


def _of_tree(git: Git, tree: Tree, *, write: bool) -> dict[str, tuple[str, str]]:
    hashed = git.hashed(tree.folder, tree.files, write=write)
    return {
        path: (_MODES[executable], made)
        for (path, executable), made in zip(tree.files.items(), hashed, strict=True)
    }


def _with(git: Git, base: str, found: list[Change], after: Files, *, folder: Path) -> str:
    """Return the tree of a commit with changes; what no copy has stays as it is."""
    gone = [f"0 {NO_OBJECT}\t{one.path}" for one in found if one.kind == "removed"]
    put = [f"{after[one.path][0]} {after[one.path][1]}\t{one.path}" for one in found if one.kind != "removed"]
    index = folder / f"index.{secrets.token_hex(4)}"
    extra = {"GIT_INDEX_FILE": str(index)}
    try:
        git.run("read-tree", base, extra=extra)
        lines = "".join(f"{line}\0" for line in [*gone, *put])
        git.run("update-index", "--replace", "-z", "--index-info", given=lines, extra=extra)
        return git.run("write-tree", extra=extra)
    finally:
        index.unlink(missing_ok=True)
