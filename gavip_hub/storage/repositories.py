"""The AVIs' git repositories, and one read-only checkout a release (docs/adr/0011)."""

import fcntl
import os
import secrets
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from gavip_hub.exceptions import BadRequest, Conflict, NotFound
from gavip_hub.storage.beneath import opened_folder
from gavip_hub.storage.copies import NOTHING_KNOWN, Tree, copied, taken_out
from gavip_hub.storage.git import PUSHED, Commit, Git
from gavip_hub.storage.git_entries import Entry
from gavip_hub.trees import remove_path

TEMPLATE_FILES = ("copier.yml", "copier.yaml")
_STAGING = ".staging"
_IMPORTS = ".imports"


class Repositories:
    """One bare repository an AVI, one checkout a release; nothing that a stranger wrote is ever executed here.

    Parameters
    ----------
    root
        The data root.
    """

    def __init__(self, *, root: Path) -> None:
        self._repositories = root / "repositories"
        self._checkouts = root / "checkouts"

    def checkout(self, avi: str, commit: str) -> Path:
        """Return the read-only tree of a release."""
        return self._checkouts / avi / commit

    @contextmanager
    def held(self, avi: str) -> Iterator[None]:
        """Hold an AVI's repository: who else wants it waits, in this process or another of this machine."""
        self._repositories.mkdir(parents=True, exist_ok=True)
        with (self._repositories / f"{avi}.lock").open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # closing the file gives it back
            yield

    def take_in(self, root: Path, parts: list[str], known: Mapping[str, Entry] = NOTHING_KNOWN) -> Tree:
        """Copy the folder `root/parts...`, whose owner may change it meanwhile, and return the copy.

        Parameters
        ----------
        known
            Small files that are as they are there are not copied.

        Raises
        ------
        BadManifest
            It holds a link, a device, an odd file name, or too much.
        NotFound
            There is no such folder.
        """
        if not root.is_dir():
            raise NotFound(f"There is no folder {root.name}.", field="folder")
        staging = self._staging()
        try:
            with opened_folder(root, parts) as folder:
                return copied(folder, staging, known)
        except BaseException:
            remove_path(staging)
            raise

    def discard(self, tree: Tree) -> None:
        """Forget a copy that will not become a release."""
        remove_path(tree.folder)

    def commit(self, tree: Tree, *, avi: str, version: str, author: str, at: datetime) -> str:
        """Commit a copy to the AVI's repository, make it the release's checkout, and return the commit.

        Call it while the repository is `held`.
        """
        git = Git(self.folder(avi))
        git.make()
        what = Commit(message=f"{avi} {version}", tag=f"v{version}", author=author, at=at)
        commit = git.record(tree.folder, tree.files, what)
        self.check_out(tree, avi=avi, commit=commit)
        return commit

    def begin(self, avi: str, files: dict[str, str], *, message: str, author: str, at: datetime) -> None:
        """Make the first commit of a repository.

        Raises
        ------
        Conflict
            It has one already.
        """
        staging = self._staging()
        try:
            for path, text in files.items():
                target = staging / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(text, "utf-8")
            tree = Tree(folder=staging, files=dict.fromkeys(files, False), digest="")
            self.begin_with(avi, tree, message=message, author=author, at=at)
        finally:
            remove_path(staging)

    def begin_with(self, avi: str, tree: Tree, *, message: str, author: str, at: datetime) -> None:
        """Make the first commit of a repository of a copy.

        Raises
        ------
        Conflict
            It has one already.
        """
        with self.held(avi):
            git = self.git(avi)
            if git.named("refs/heads/main"):
                raise Conflict(f"{avi} has commits already: choose another name.", field="name")
            git.record(tree.folder, tree.files, Commit(message=message, tag="", author=author, at=at))

    def tag(self, avi: str, *, version: str, commit: str) -> None:
        """Give a release's commit its tag, where it has none."""
        git, name = self.git(avi), f"refs/tags/v{version}"
        if not git.named(name):
            git.run("update-ref", name, commit)

    def check_out(self, tree: Tree, *, avi: str, commit: str) -> None:
        """Make a copy the checkout of a commit, for good."""
        target = self.checkout(avi, commit)
        if target.exists():
            self.discard(tree)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            tree.folder.rename(target)
        close_tree(target)

    def is_made(self, avi: str) -> bool:
        """Tell whether there is a repository."""
        return (self.folder(avi) / "HEAD").exists()

    def make(self, avi: str) -> None:
        """Make an AVI's repository where it is missing."""
        if self.is_made(avi):
            return
        with self.held(avi):
            Git(self.folder(avi)).make()

    def names(self, avi: str) -> list[str]:
        """Return the whole names of all branches and tags; none where there is no repository."""
        if not self.is_made(avi):
            return []
        return (
            Git(self.folder(avi))
            .run("for-each-ref", "--format=%(refname)", "refs/heads", "refs/tags")
            .splitlines()
        )

    def import_folder(self, name: str) -> Path:
        """Return where a repository of another place is fetched to, on the same disk as all."""
        return self._repositories / _IMPORTS / name

    def adopt(self, avi: str, fetched: Path) -> list[str] | None:
        """Put a repository that was fetched in the place of an empty one; return its branches and tags.

        None: the present one is not empty, and stays. Nobody may push to it meanwhile.
        """
        with self.held(avi):
            if self.names(avi):
                self.forget_import(fetched)
                return None
            empty = self.import_folder(f"{avi}-{secrets.token_hex(4)}")
            if self.is_made(avi):
                self.folder(avi).rename(empty)
            fetched.rename(self.folder(avi))
            self.forget_import(empty)
        return self.names(avi)

    def forget_import(self, folder: Path) -> None:
        """Remove what was fetched and is not wanted."""
        remove_path(folder)

    def forget_imports(self) -> None:
        """Remove all that was fetched and not put in place."""
        remove_path(self._repositories / _IMPORTS)

    def commit_of(self, avi: str, revision: str, *, pushed: str = "") -> str | None:
        """Return the commit that an object of a repository stands for; None where it is no commit's.

        Parameters
        ----------
        pushed
            Name of the folder of objects that are being pushed, as git's hook tells it.
        """
        return self.git(avi, pushed=pushed).commit_of(revision)

    def is_template(self, avi: str, commit: str, *, pushed: str = "") -> bool:
        """Tell whether a commit is a template of AVIs, and no AVI."""
        git = self.git(avi, pushed=pushed)
        found = (git.look(f"{commit}:{name}") for name in TEMPLATE_FILES)
        return any(one is not None and one[1] == "blob" for one in found)

    def take_out(self, avi: str, commit: str, *, pushed: str = "") -> Tree:
        """Copy the files of a commit, and return the copy.

        Raises
        ------
        BadManifest
            It holds a link, a submodule, an odd file name, or too much.
        """
        git, staging = self.git(avi, pushed=pushed), self._staging()
        try:
            return taken_out(git, commit, staging)
        except BaseException:
            remove_path(staging)
            raise

    def folder(self, avi: str) -> Path:
        """Return an AVI's bare repository."""
        return self._repositories / f"{avi}.git"

    def git(self, avi: str, *, pushed: str = "") -> Git:
        """Return the plumbing on an AVI's repository."""
        folder = self.folder(avi)
        if pushed and (not pushed.startswith(PUSHED) or "/" in pushed):
            raise BadRequest("This is no folder of a push.", field="pushed")
        return Git(folder, pushed=folder / "objects" / pushed if pushed else None)

    @contextmanager
    def apart(self, avi: str) -> Iterator[Git]:
        """Give the plumbing on a repository of which nothing becomes a part, unless it is handed over within the block."""
        staging = self._staging()
        try:
            yield Git(self.folder(avi), pushed=staging)
        finally:
            remove_path(staging)

    def _staging(self) -> Path:
        staging = self._checkouts / _STAGING / secrets.token_hex(8)
        staging.mkdir(parents=True, mode=0o700)
        return staging


def close_tree(folder: Path) -> None:
    """Take all write permissions away: a release never changes."""
    for top, _, names, here in os.fwalk(folder, topdown=False, follow_symlinks=False):
        for name in names:
            mode = os.stat(name, dir_fd=here, follow_symlinks=False).st_mode
            os.chmod(name, 0o555 if mode & stat.S_IXUSR else 0o444, dir_fd=here)
        Path(top).chmod(0o555)


def split_source(folder: str, *, base: Path) -> list[str]:
    """Return the steps from `base` to a folder.

    Raises
    ------
    BadRequest
        It does not lie below `base`.
    """
    path = Path(folder)
    if path.is_absolute() and not path.is_relative_to(base):
        raise BadRequest(f"The folder must lie below {base}.", field="folder")
    parts = list((path.relative_to(base) if path.is_absolute() else path).parts)
    if ".." in parts:
        raise BadRequest("The folder must be given without `..`.", field="folder")
    return parts
