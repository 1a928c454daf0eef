"""The folders of users and of attempts below the data root."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from avi_kernel.protocol.runs import LOG_FILE, OUTCOME_FILE, RESULTS_FOLDER
from gavip_hub.config import MB
from gavip_hub.domain.container import Places
from gavip_hub.domain.job import container_name
from gavip_hub.exceptions import NotFound
from gavip_hub.storage.beneath import PASSABLE, READABLE, check_part, open_file, opened_folder, take_over
from gavip_hub.storage.measuring import bytes_below
from gavip_hub.trees import remove_path, remove_tree


class UserSpaces:
    """Folders that users' containers see.

    Parameters
    ----------
    root
        The data root.
    """

    def __init__(self, *, root: Path) -> None:
        self._root = root

    def prepare(self) -> None:
        """Make the folders that all users share a way through."""
        for parts in (["users"], ["attempts"], ["shared"], ["shared", "me"]):
            self._make(parts, mode=PASSABLE)
        self._make(["shared", "everyone"], mode=READABLE)
        with opened_folder(self._root, ["shared", "groups"], make=True, mode=PASSABLE) as groups:
            os.fchmod(groups, PASSABLE)  # earlier versions let everybody list it

    def places(
        self,
        *,
        owner: str,
        avi: str | None = None,
        checkout: Path | None = None,
        attempt: Path | None = None,
        environment: Path | None = None,
        granted: Sequence[str] = (),
    ) -> Places:
        """Return where a container of this user finds its folders, making what is missing.

        Parameters
        ----------
        granted
            Folders of the user-space that the AVI may write beside its own, as `data/maps`.

        Raises
        ------
        gavip_hub.exceptions.Unavailable
            The user put a link or a file where a folder of the platform belongs.
        """
        self.prepare()
        return Places(
            user_space=self._make(["users", owner]),
            jobs=self._make(["users", owner, "jobs"]),
            shared_everyone=str(self._root / "shared" / "everyone"),
            shared_groups=self._make(["shared", "groups", owner], mode=READABLE),
            shared_me=self._make(["shared", "me", owner], mode=READABLE),
            avi_folder=self._make(["users", owner, "avis", avi]) if avi else None,
            checkout=str(checkout) if checkout else None,
            attempt=str(attempt) if attempt else None,
            environment=str(environment) if environment else None,
            granted={folder: self._make(["users", owner, *folder.split("/")]) for folder in granted},
        )

    def used_mb(self, owner: str) -> int:
        """Return the MB that a user's files take, with results once they lie there, and with what lies in the bin."""
        places = (self._root / kind / check_part(owner) for kind in ("users", "bin"))
        return sum(bytes_below(place) for place in places) // MB

    def owners(self) -> list[str]:
        """Return whose spaces there are."""
        folder = self._root / "users"
        return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []

    def _make(self, parts: Sequence[str], *, mode: int = 0o700) -> str:
        with opened_folder(self._root, parts, make=True, mode=mode):
            return str(self._root.joinpath(*parts))


class AttemptFolders:
    """The folder of each attempt: the platform's own while it runs, in its user's space once it is over.

    Every method may be called again after a crash, and then finishes what was begun.

    Parameters
    ----------
    root
        The data root.
    """

    def __init__(self, *, root: Path) -> None:
        self._root = root

    def create(self, *, owner: str, job: str, attempt: int) -> Path:
        """Make the folder of an attempt that is about to start."""
        check_part(owner)
        name = check_part(container_name(job, attempt))
        with opened_folder(self._root, ["attempts"], make=True, mode=PASSABLE):
            pass
        with opened_folder(self._root, ["attempts", name, "results"], make=True):
            return self._root / "attempts" / name

    def finished(self, *, owner: str, job: str, attempt: int) -> str:
        """Move the folder of an attempt that is over to its user's space, read-only from now on.

        Returns
        -------
        str
            What of it was too much and is gone, in words; nothing where all was kept, or the folder moved before.
        """
        name = check_part(container_name(job, attempt))
        with (
            opened_folder(self._root, ["attempts"], make=True, mode=PASSABLE) as running,
            opened_folder(self._root, ["users", owner, "jobs"], make=True) as jobs,
        ):
            if not _exists(running, name):
                return ""
            defect = take_over(running, name, first=(LOG_FILE, OUTCOME_FILE, RESULTS_FOLDER))
            _make_public(jobs, check_part(job))
            with opened_folder(self._root, ["users", owner, "jobs", job]) as target:
                os.rename(name, str(attempt), src_dir_fd=running, dst_dir_fd=target)
        return defect

    def open(self, *, owner: str, job: str, attempt: int, parts: Sequence[str]) -> BinaryIO:
        """Open a file of an attempt, wherever its folder is now.

        Raises
        ------
        NotFound
            There is no such file; a link, a pipe or a device is none.
        """
        # In the order in which the folder moves, so that it cannot be missed.
        running = ["attempts", container_name(job, attempt), *parts]
        finished = ["users", owner, "jobs", job, str(attempt), *parts]
        for place in (running, finished):
            try:
                return open_file(self._root, place)
            except NotFound:
                continue
        raise NotFound(f"There is no file {parts[-1]} of job {job}.")

    def read(self, *, owner: str, job: str, attempt: int, parts: Sequence[str], limit: int) -> bytes | None:
        """Return a small file's content, or None where it is missing or larger than `limit` bytes."""
        try:
            with self.open(owner=owner, job=job, attempt=attempt, parts=parts) as file:
                content = file.read(limit + 1)
        except NotFound:
            return None
        return content if len(content) <= limit else None

    def unfinished(self) -> list[str]:
        """Return the names of the folders that have not been moved to their users' spaces."""
        folder = self._root / "attempts"
        return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []

    def remove(self, *, owner: str, job: str, attempts: int) -> None:
        """Delete all folders of a job; harmless where there are none."""
        check_part(job)
        for number in range(1, attempts + 1):
            remove_path(self._root / "attempts" / container_name(job, number))
        try:
            with opened_folder(self._root, ["users", owner, "jobs"]) as jobs:
                remove_tree(jobs, job)
        except NotFound:
            return


def _exists(folder: int, name: str) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _make_public(folder: int, name: str) -> None:
    """Make a folder that its user's boxes can read and cannot change."""
    try:
        os.mkdir(name, READABLE, dir_fd=folder)
    except FileExistsError:
        return
    os.chmod(name, READABLE, dir_fd=folder)  # whatever the process's umask is
