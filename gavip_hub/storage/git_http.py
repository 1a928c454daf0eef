"""Git's own program for smart HTTP, with the settings under which strangers' repositories are served."""

import os
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

from gavip_hub.storage import git_hook
from gavip_hub.storage.git import PUSHED, clean_environment, limited
from gavip_hub.trees import remove_path

HOOKS = {"pre-receive": "check", "post-receive": "take"}
"""Hook of git -> what it asks the service for."""
SECONDS = 600
"""Of processor time, for each of git's processes."""
COMMAND = tuple(limited("git", "http-backend", seconds=SECONDS))
_SETTINGS = {
    "http.receivepack": "true",
    "http.getanyfile": "false",
    "transfer.fsckObjects": "true",
    # Of which commit whose working copy was made is no other's business.
    "transfer.hideRefs": "refs/gavip",
    # Packs as they came: a small one may hold a hundred thousand files.
    "receive.unpackLimit": "1",
    "receive.denyCurrentBranch": "ignore",
    "uploadpack.allowFilter": "true",
    # One push is not to take the machine.
    "pack.threads": "1",
    "pack.windowMemory": "64m",
    "core.packedGitWindowSize": "64m",
    "core.packedGitLimit": "512m",
    "core.bigFileThreshold": "8m",
    "gc.autoPackLimit": "30",
    "core.logAllRefUpdates": "false",
    "safe.directory": "*",
}


@dataclass(frozen=True, kw_only=True)
class GitRequest:
    """A request as git's program is told of it."""

    avi: str
    path: str
    """Below the repository: `info/refs`, `git-upload-pack` or `git-receive-pack`."""
    method: str
    query: str
    user: str
    headers: Mapping[str, str]


class GitHttp:
    """Says how git's program is to be run.

    Parameters
    ----------
    hooks_url
        Where the hooks ask; below it are `check` and `take`.
    repository_mb
        What one repository may hold.
    """

    def __init__(self, *, root: Path, hooks_url: str, repository_mb: int) -> None:
        self._repositories = root / "repositories"
        self._hooks_url = hooks_url
        self._bytes = repository_mb * 1024 * 1024

    def prepare(self) -> None:
        """Write the hooks, as this program's Python runs them, and forget pushes that an earlier service left in the middle."""
        forget(self._repositories.glob(f"*.git/objects/{PUSHED}*"))
        folder = self._hooks()
        folder.mkdir(parents=True, exist_ok=True)
        for name, stage in HOOKS.items():
            script = f"#!/bin/sh\nexec {quote(sys.executable)} -IS {quote(git_hook.__file__)} {stage}\n"
            partial = folder / f".{name}.{os.getpid()}"
            partial.write_text(script)
            partial.chmod(0o755)
            partial.replace(folder / name)

    def half_pushed(self, avi: str) -> list[Path]:
        """Return the folders of pushes to an AVI that have not come to their end."""
        return list(self._repositories.glob(f"{avi}.git/objects/{PUSHED}*"))

    def environment(self, request: GitRequest, *, secret: str = "") -> dict[str, str]:
        """Return what git's program needs to know of a request, and of our settings.

        Parameters
        ----------
        secret
            Of the push.
        """
        return {
            **clean_environment(),
            **self._settings(request.avi),
            "GIT_PROJECT_ROOT": str(self._repositories),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": f"/{request.avi}.git/{request.path}",
            "REQUEST_METHOD": request.method,
            "QUERY_STRING": request.query,
            "REMOTE_USER": request.user,
            "REMOTE_ADDR": "",
            "CONTENT_TYPE": request.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": request.headers.get("Content-Length", ""),
            "HTTP_CONTENT_ENCODING": request.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
            git_hook.URL: self._hooks_url,
            git_hook.SECRET: secret,
        }

    def _settings(self, avi: str) -> dict[str, str]:
        left = room_left(self._repositories / f"{avi}.git", most_bytes=self._bytes)
        settings = _SETTINGS | {"core.hooksPath": str(self._hooks()), "receive.maxInputSize": str(left)}
        return as_environment(settings)

    def _hooks(self) -> Path:
        return self._repositories / ".hooks"


def as_environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Return settings as git takes them from its environment, where they win over what a repository says."""
    numbered = list(enumerate(settings.items()))
    return {
        "GIT_CONFIG_COUNT": str(len(numbered)),
        **{f"GIT_CONFIG_KEY_{number}": name for number, (name, _) in numbered},
        **{f"GIT_CONFIG_VALUE_{number}": value for number, (_, value) in numbered},
    }


def room_left(repository: Path, *, most_bytes: int) -> int:
    """Return how many bytes a repository may still take; at least one, since git reads nothing as no bound."""
    return max(1, most_bytes - held_bytes(repository / "objects"))


def held_bytes(folder: Path) -> int:
    """Return what the files below a folder hold (bytes)."""
    held = 0
    for _, _, names, here in os.fwalk(folder):
        for name in names:
            with suppress(FileNotFoundError):  # packs are put together meanwhile
                held += os.stat(name, dir_fd=here, follow_symlinks=False).st_size
    return held


def forget(half_pushed: Iterable[Path]) -> None:
    """Remove what pushes left that broke off: a git that is told to end leaves it."""
    for folder in half_pushed:
        remove_path(folder)
