"""A new AVI's folder: whole or not there at all, and known to git."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from avi_kernel.authoring.git import git, reason
from avi_kernel.authoring.problems import AuthoringProblem
from avi_kernel.protocol.folder import read_release

_NO_ASCII = re.compile(r"[^\x00-\x7f]")


@contextmanager
def whole(folder: Path) -> Iterator[Path]:
    """Give a place to write into; the folder is there once that is a valid AVI, or not at all.

    Raises
    ------
    FolderProblem
        What was written is no AVI.
    AuthoringProblem
        It holds what git would obey, or a link.
    """
    with TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as beside:
        written = Path(beside) / folder.name
        yield written
        _require_plain(written)
        read_release(written)
        written.rename(folder)


def _require_plain(folder: Path) -> None:
    for path in folder.rglob("*"):
        # Some file systems pass over letters that are not seen.
        if _NO_ASCII.sub("", path.name).lower() == ".git" or path.is_symlink():
            raise AuthoringProblem(
                f"It would hold {path.relative_to(folder)}: neither links nor git's own files are taken."
            )


def begin_repository(folder: Path, *, remote: str, user: str, message: str) -> None:
    """Make a repository of a folder, with all that is in it committed, and the platform as its origin.

    Parameters
    ----------
    user
        Who commits, where nobody told git a name yet.

    Raises
    ------
    AuthoringProblem
        Git refused; the folder stays as it is.
    """
    try:
        git("init", "-q", "-b", "main", cwd=folder)
        git("remote", "add", "origin", remote, cwd=folder)
        git("config", "push.autoSetupRemote", "true", cwd=folder)
        git("add", "-A", cwd=folder)
        git(*_identity(folder, user), "commit", "-qm", message, cwd=folder)
    except subprocess.CalledProcessError as error:
        raise AuthoringProblem(
            f"git made no commit of it: {reason(error)}",
            next_step=f"The folder is whole: commit it yourself, and push it to {remote}",
        ) from None


def _identity(folder: Path, user: str) -> list[str]:
    return (
        []
        if known("user.email", folder)
        else ["-c", f"user.name={user}", "-c", f"user.email={user}@gavip.invalid"]
    )


def known(key: str, folder: Path) -> str:
    """Return what git was told under a key; empty where it was told nothing."""
    try:
        return git("config", key, cwd=folder)
    except (subprocess.CalledProcessError, FileNotFoundError):
        return ""
