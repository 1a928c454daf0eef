"""A commit that the platform makes for somebody: looked at apart, and handed over as a push of theirs would be."""

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from avi_kernel.protocol.layout import NO_PART_OF_AN_AVI
from gavip_hub.exceptions import BadManifest, Conflict, Unavailable
from gavip_hub.storage.copies import DEEPEST, MB, Tree
from gavip_hub.storage.git import Commit, Git
from gavip_hub.storage.git_entries import Entry, blob_of
from gavip_hub.storage.git_http import room_left
from gavip_hub.storage.kept_trees import KeptTrees
from gavip_hub.storage.repositories import Repositories

MOST_COMPARED = 100
"""Files of which the lines that differ are told."""
LARGEST_COMPARED = MB
MOST_LINES = 200_000
"""Bytes of all lines that differ."""
MOST_NAMED = 5
_MODES = {False: "100644", True: "100755"}


@dataclass(frozen=True, kw_only=True)
class Change:
    """One file that differs."""

    path: str
    kind: Literal["added", "changed", "removed"]


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A commit whose objects lie apart."""

    avi: str
    git: Git
    base: str
    """The commit that it follows."""
    tree: str
    what: Commit
    changes: list[Change]
    sizes: Mapping[str, int]
    """Bytes of each file that differs, before or after, whichever is more."""

    @cached_property
    def commit(self) -> str:
        """The commit itself: who only looks does without."""
        return self._committed(self.tree, self.base, self.what)

    def lines(self) -> tuple[str, bool]:
        """Return the lines that differ, and whether these are all; large files are left out."""
        small = [one.path for one in self.changes if self.sizes[one.path] <= LARGEST_COMPARED]
        told, is_all = "", len(small) == len(self.changes) <= MOST_COMPARED
        if small:
            paths = [f":(literal){path}" for path in small[:MOST_COMPARED]]
            plain = ("-r", "-p", "--no-renames", "--no-ext-diff", "--no-textconv", "--no-color")
            asked = ("diff-tree", *plain, self.base, self.tree, "--", *paths)
            found, is_whole = self.git.beginning(*asked, most=MOST_LINES)
            told, is_all = found.decode("utf-8", "replace"), is_all and is_whole
        return told, is_all

    def joined(self, main: str, what: Commit) -> str:
        """Return the commit that main becomes: this one, or one that joins it to what main got meanwhile.

        Raises
        ------
        Conflict
            Changes contradict each other, or the history of main was written anew.
        """
        if main == self.base:
            return self.commit
        tree = self._tree_with(main)
        return self._committed(tree, main, what, self.commit)

    def require_joinable(self, main: str) -> None:
        """Refuse what cannot be joined to what main got meanwhile.

        Raises
        ------
        Conflict
            Changes contradict each other, or the history of main was written anew.
        """
        if main != self.base:
            self._tree_with(main)

    def _tree_with(self, main: str) -> str:
        if not self.git.is_before(self.base, main):
            raise Conflict(
                f"The history of {self.avi} was written anew since your copy was made, so the two cannot be joined."
            )
        merged = self.git.merged(main, self.commit)
        if merged is None:
            raise Conflict(
                "You and main both changed the names of folders, and the changes contradict each other."
            )
        tree, paths = merged
        if paths:
            raise Conflict(
                f"You and main both changed {_named(paths)}, and the changes contradict each other."
            )
        return tree

    def _committed(self, tree: str, parent: str, what: Commit, *others: str) -> str:
        parents = [option for one in (parent, *others) for option in ("-p", one)]
        return self.git.run("commit-tree", tree, "-m", what.message, *parents, extra=what.signature())


class Drafts:
    """Makes commits apart, and hands them over.

    Parameters
    ----------
    repository_mb
        What one repository may hold.
    """

    def __init__(self, *, repositories: Repositories, repository_mb: int) -> None:
        self._repositories = repositories
        self._most_bytes = repository_mb * MB
        self._trees = KeptTrees()

    def files(self, avi: str, commit: str) -> Mapping[str, Entry]:
        """Return the files of a commit by path."""
        return self._trees.files(self._repositories.git(avi), avi=avi, commit=commit)

    @contextmanager
    def of_tree(
        self, avi: str, *, base: str, before: Mapping[str, Entry], tree: Tree, what: Commit
    ) -> Iterator[Draft]:
        """Give a commit of a copy of somebody's folder; what tools left in its base stays.

        Parameters
        ----------
        before
            The files of its base.

        Raises
        ------
        BadManifest
            Git keeps no file of such a name.
        """
        with self._repositories.apart(avi) as git:
            files = _files_of(tree, before, letters=len(base))
            new = _new_in(files, before)
            if not new and len(files) == len(before):
                same = f"{base}^{{tree}}"
                yield Draft(avi=avi, git=git, base=base, tree=same, what=what, changes=[], sizes={})
                return
            written, after = git.written(files, folder=tree.folder, new=new)
            # Git leaves out, without failing, what it could not keep safely anywhere, as `.GIT/config`.
            if lost := sorted(files.keys() - after.keys()):
                named = _named(lost)
                raise BadManifest(f"{named}: git keeps no file of such a name; rename it, or remove it.")
            found = _changes(before, after)
            sizes = _sizes(found, before, after)
            yield Draft(avi=avi, git=git, base=base, tree=written, what=what, changes=found, sizes=sizes)

    @contextmanager
    def of_file(self, avi: str, *, base: str, path: str, content: str, what: Commit) -> Iterator[Draft]:
        """Give a commit in which one file that its base has is another.

        Raises
        ------
        BadManifest
            There is a link or a submodule in its place, or it lies too deep.
        """
        parts = path.split("/")
        if len(parts) > DEEPEST:
            raise BadManifest(f"{path[:100]}…: folders lie in one another more than {DEEPEST} deep.")
        encoded = content.encode()
        with self._repositories.apart(avi) as git:
            with tempfile.TemporaryDirectory() as folder:
                (Path(folder) / "text").write_bytes(encoded)
                (blob,) = git.hashed(Path(folder), ["text"])
            tree = _with_blob(git, f"{base}^{{tree}}", parts, blob)
            changes, sizes = [Change(path=path, kind="changed")], {path: len(encoded)}
            yield Draft(avi=avi, git=git, base=base, tree=tree, what=what, changes=changes, sizes=sizes)

    def keep(self, draft: Draft, commit: str, moves: Mapping[str, tuple[str, str]]) -> None:
        """Hand a commit over, and move names to where it leads: all of them, from where they were, or none.

        Parameters
        ----------
        moves
            Whole name -> commit that it stood for, and commit that it is to stand for.

        Raises
        ------
        BadManifest
            Git refuses something in it, or the repository would hold too much.
        Conflict
            One of the names has moved.
        """
        git = self._repositories.git(draft.avi)
        known = {old for old, _ in moves.values()}
        with self._repositories.held(draft.avi):
            self._hand_over(draft, commit, without=known)
            told = "".join(f"update {name} {new} {old}\n" for name, (old, new) in moves.items())
            try:
                git.run("update-ref", "--stdin", given=f"start\n{told}prepare\ncommit\n")
            except Unavailable:
                if all(git.named(name) == old for name, (old, _) in moves.items()):
                    raise
                raise Conflict(
                    "The main branch moved at this moment, so nothing was taken: look at what differs now, and try again."
                ) from None

    def _hand_over(self, draft: Draft, commit: str, *, without: Iterable[str]) -> None:
        """Give a commit to the repository as a push does: git checks each object of it, and takes so many bytes at most."""
        wanted = "".join(f"{line}\n" for line in [commit, *(f"^{one}" for one in without)])
        folder = self._repositories.folder(draft.avi)
        left = room_left(folder, most_bytes=self._most_bytes)
        packing = ("pack-objects", "--revs", "--stdout", "-q", "--threads=1", "--window-memory=64m")
        taking = ("index-pack", "--stdin", "--strict", f"--max-input-size={left}")
        with tempfile.TemporaryFile() as asked, tempfile.TemporaryFile(dir=folder) as pack:
            asked.write(wanted.encode())
            asked.seek(0)
            if told := draft.git.passed_on(*packing, given=asked, output=pack):
                raise Unavailable(f"git {packing[0]} failed: {told}")
            pack.seek(0)
            if told := self._repositories.git(draft.avi).passed_on(*taking, given=pack, output=None):
                raise BadManifest(f"git does not take it, and would not by a push: {told}")


def _with_blob(git: Git, tree: str, parts: Sequence[str], blob: str) -> str:
    """Return a tree with another file at a path; folders beside it are not gone into, since they may have no end."""
    first, *rest = parts
    told = ""
    for entry in git.entries(tree, recursive=False):
        made = entry.object_id
        if entry.path == first and rest:
            made = _with_blob(git, made, rest, blob)
        elif entry.path == first:
            if entry.mode not in _MODES.values():
                raise BadManifest(f"{first[:200]}: is a link or a submodule; put a file there.")
            made = blob
        kind = "tree" if entry.is_folder else "commit" if entry.is_submodule else "blob"
        told += f"{entry.mode} {kind} {made}\t{entry.path}\0"
    return git.run("mktree", "-z", given=told)


def _files_of(tree: Tree, before: Mapping[str, Entry], *, letters: int) -> dict[str, tuple[str, str]]:
    """Return mode and object of each file of a copy, and of those that tools left in what it began with."""
    files = {path: (one.mode, one.object_id) for path, one in before.items() if _is_tools(path)}
    for path, executable in tree.files.items():
        blob = tree.known.get(path) or blob_of(f"{tree.folder}/{path}", letters=letters)
        files[path] = _MODES[executable], blob
    return files


def _new_in(files: Mapping[str, tuple[str, str]], before: Mapping[str, Entry]) -> list[str]:
    """Return the files that were not there, or were others."""
    known = {(_is_executable(one), path, one.object_id) for path, one in before.items()}
    return [path for path, (mode, blob) in files.items() if (mode == _MODES[True], path, blob) not in known]


def _is_tools(path: str) -> bool:
    return not NO_PART_OF_AN_AVI.isdisjoint(path.split("/"))


def _changes(before: Mapping[str, Entry], after: Mapping[str, Entry]) -> list[Change]:
    """Return what differs, by path."""
    found = [Change(path=path, kind="removed") for path in before.keys() - after.keys()]
    for path, entry in after.items():
        old = before.get(path)
        if old is None:
            found.append(Change(path=path, kind="added"))
        elif (_is_executable(old), old.object_id) != (_is_executable(entry), entry.object_id):
            found.append(Change(path=path, kind="changed"))
    return sorted(found, key=lambda one: one.path)


def _sizes(changes: Iterable[Change], *sides: Mapping[str, Entry]) -> dict[str, int]:
    """Return the bytes of each file that differs, before or after, whichever is more."""
    return {one.path: max(side[one.path].size for side in sides if one.path in side) for one in changes}


def _is_executable(entry: Entry) -> bool:
    return entry.mode == _MODES[True]


def _named(paths: Iterable[str]) -> str:
    """Name some files, as text that can be shown."""
    shown = [path.encode("utf-8", "replace").decode()[:200] for path in paths]
    more = f" and {len(shown) - MOST_NAMED} more" if len(shown) > MOST_NAMED else ""
    return ", ".join(shown[:MOST_NAMED]) + more
