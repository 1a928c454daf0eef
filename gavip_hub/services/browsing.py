"""Look into an AVI's repository without cloning it."""

from dataclasses import dataclass
from typing import BinaryIO

from gavip_hub.exceptions import NotFound
from gavip_hub.services.projects import ProjectService
from gavip_hub.storage import git_browse
from gavip_hub.storage.git import Entry, Git
from gavip_hub.storage.git_browse import Listing, Made
from gavip_hub.storage.repositories import Repositories

LARGEST_FILE = 256 * 1024 * 1024


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

    def folder(self, *, viewer: str, name: str, path: str = "") -> Folder | None:
        """Return what lies in a folder; None: nothing was pushed yet.

        Raises
        ------
        NotFound
            There is no such folder, or the repository is not for them.
        """
        self._projects.require_readable(viewer=viewer, name=name)
        git = self._repositories.git(name)
        branch, commit = _newest(git)
        if commit is None:
            return None
        if path and git_browse.kind_of(git, commit, _checked(path)) != "tree":
            raise NotFound(f"{path[:200]!r} is no folder.", field="path")
        return Folder(
            branch=branch,
            path=path,
            listing=git_browse.listing(git, commit, path),
            history=[] if path else git_browse.history(git, commit),
        )

    def is_folder(self, *, viewer: str, name: str, path: str) -> bool:
        """Tell whether a path is a folder's, and not a file's."""
        self._projects.require_readable(viewer=viewer, name=name)
        git = self._repositories.git(name)
        _, commit = _newest(git)
        return commit is not None and git_browse.kind_of(git, commit, _checked(path)) == "tree"

    def file(self, *, viewer: str, name: str, path: str, most: int = LARGEST_FILE) -> tuple[Entry, BinaryIO]:
        """Return what git says of a file, and its content, to be closed.

        Raises
        ------
        NotFound
            There is no such file, or the repository is not for them.
        TooLarge
            It has more bytes than `most`.
        """
        self._projects.require_readable(viewer=viewer, name=name)
        git = self._repositories.git(name)
        _, commit = _newest(git)
        if commit is None:
            raise NotFound(f"Nothing was pushed to {name} yet.")
        return git_browse.file(git, commit, _checked(path), most=most)


def _newest(git: Git) -> tuple[str, str | None]:
    """Return the branch that is shown and its commit: main, or else the one that was committed to last."""
    if commit := git.commit_of("refs/heads/main"):
        return "main", commit
    told = git.run("for-each-ref", "--sort=-committerdate", "--count=1", "--format=%(refname)", "refs/heads")
    return told.removeprefix("refs/heads/"), git.commit_of(told) if told else None


def _checked(path: str) -> str:
    """Return a path that names one thing: it goes to git after a colon, a line each."""
    parts = path.split("/")
    if not path.isprintable() or any(part in {"", ".", ".."} for part in parts):
        raise NotFound("There is no such file in this repository.", field="path")
    return path
