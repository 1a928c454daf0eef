"""Look into an AVI's repository without cloning it."""

from dataclasses import dataclass
from typing import BinaryIO

from gavip_hub.domain.pushes import MAIN
from gavip_hub.exceptions import NotFound
from gavip_hub.services.projects import ProjectService
from gavip_hub.storage import git_browse
from gavip_hub.storage.git import Git
from gavip_hub.storage.git_browse import Listing, Made
from gavip_hub.storage.git_entries import Entry
from gavip_hub.storage.repositories import Repositories

LARGEST_FILE = 100 * 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Folder:
    """A folder of a repository's newest state."""

    branch: str
    path: str
    listing: Listing
    history: list[Made]
    """Of the whole repository; with its root alone."""


class BrowsingService:
    """Files of the main branch, for those who may read the repository; changes nothing."""

    def __init__(self, *, projects: ProjectService, repositories: Repositories) -> None:
        self._projects = projects
        self._repositories = repositories

    def root(self, *, viewer: str, name: str) -> Folder | None:
        """Return what lies in a repository's root, and its history; None: nothing was pushed yet.

        Raises
        ------
        NotFound
            The repository is not for them.
        """
        git, branch, commit = self._newest(viewer, name)
        if commit is None:
            return None
        listing, history = git_browse.listing(git, commit), git_browse.history(git, commit)
        return Folder(branch=branch, path="", listing=listing, history=history)

    def at(self, *, viewer: str, name: str, path: str) -> Entry | Folder:
        """Return what lies at a path: what git says of a file, or what lies in a folder.

        Raises
        ------
        NotFound
            There is no such path, or the repository is not for them.
        """
        git, branch, entry = self._entry(viewer, name, path)
        if not entry.is_folder:
            return entry
        return Folder(branch=branch, path=path, listing=git_browse.listing(git, entry.object_id), history=[])

    def look(self, *, viewer: str, name: str, path: str) -> Entry:
        """Return what git says of a file or folder.

        Raises
        ------
        NotFound
            There is no such path, or the repository is not for them.
        """
        return self._entry(viewer, name, path)[2]

    def _entry(self, viewer: str, name: str, path: str) -> tuple[Git, str, Entry]:
        """Return the plumbing on a repository that somebody may read, its branch that is shown, and what lies at a path of it."""
        git, branch, commit = self._newest(viewer, name)
        if commit is None:
            raise NotFound(f"Nothing was pushed to {name} yet.")
        return git, branch, git_browse.file(git, commit, checked_path(path))

    def _newest(self, viewer: str, name: str) -> tuple[Git, str, str | None]:
        """Return the plumbing on a repository that somebody may read, its newest branch, and that one's commit."""
        self._projects.require_readable(viewer=viewer, name=name)
        git = self._repositories.git(name)
        # A crash between the database and git leaves a project without a repository, which the first push makes.
        return git, *(_newest(git) if self._repositories.is_made(name) else ("", None))

    def content(self, *, name: str, entry: Entry) -> BinaryIO:
        """Return the content of a file that was looked at, to be closed.

        Raises
        ------
        NotFound
            It is no file, or too large to be shown.
        """
        if entry.is_folder or entry.size > LARGEST_FILE:
            raise NotFound(f"{entry.path[:200]} is larger than what is shown here: clone the repository.")
        folder = self._repositories.folder(name)
        return git_browse.content(self._repositories.git(name), entry, folder=folder)


def _newest(git: Git) -> tuple[str, str | None]:
    """Return the branch that is shown and its commit: main, or else the one that was committed to last."""
    if commit := git.named(MAIN):  # git lets a branch be nothing but a commit's name
        return "main", commit
    newest = git.run(
        "for-each-ref",
        "--sort=-committerdate",
        "--count=1",
        "--format=%(objectname) %(refname)",
        "refs/heads",
    )
    commit, _, name = newest.partition(" ")
    shown = name.removeprefix("refs/heads/").encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return shown, git.commit_of(commit) if commit else None


def checked_path(path: str) -> str:
    """Return a path that names one thing: it goes to git after a colon, a line each."""
    parts = path.split("/")
    if not path.isprintable() or any(part in {"", ".", ".."} for part in parts):
        raise NotFound("There is no such file in this repository.", field="path")
    return path
