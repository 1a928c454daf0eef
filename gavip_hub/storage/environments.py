"""Packages of releases: the files that they are installed from, and the folders that containers see."""

import fcntl
import hashlib
import os
import secrets
import subprocess
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from avi_kernel.protocol.environments import Lock, LockedWheel
from gavip_hub.exceptions import BadManifest, NotFound
from gavip_hub.storage.measuring import bytes_below
from gavip_hub.storage.repositories import close_tree
from gavip_hub.storage.unpacking import SECONDS
from gavip_hub.trees import remove_path

UNFIT = 2
"""Exit status of unpacking that says why on its standard error."""
_COPY = 1024 * 1024


class Wheels:
    """Every file that an environment was ever made of, by its hash: no index is asked a second time.

    Parameters
    ----------
    root
        The data root.
    """

    def __init__(self, *, root: Path) -> None:
        self._folder = root / "wheels"

    def add(self, wheel: LockedWheel, content: BinaryIO) -> None:
        """Keep a file.

        Raises
        ------
        BadManifest
            Its content is not what its lock says.
        """
        target = self._folder / wheel.sha256 / wheel.filename
        if target.exists():
            os.utime(target)  # somebody begins to need it now: it is not to be removed
            return
        self._folder.mkdir(mode=0o700, exist_ok=True)
        partial = self._folder / f".{secrets.token_hex(8)}"
        try:
            digest = _copied(content, partial)
            if digest != wheel.sha256:
                raise BadManifest(f"The file of {wheel.name} is another one than its build said.")
            target.parent.mkdir(exist_ok=True)
            partial.rename(target)
        finally:
            partial.unlink(missing_ok=True)

    def path(self, wheel: LockedWheel) -> Path:
        """Return where a file lies.

        Raises
        ------
        NotFound
            It is gone.
        """
        path = self._folder / wheel.sha256 / wheel.filename
        if not path.is_file():
            raise NotFound(f"The platform does not have {wheel.filename} any more.")
        return path

    def bytes_of(self, lock: Lock) -> int:
        """Return what the files of an environment take; one that is gone takes nothing."""
        return sum(_bytes(self._folder / wheel.sha256 / wheel.filename) for wheel in lock.wheels)

    def taken_bytes(self) -> int:
        """Return what all files take."""
        return bytes_below(self._folder)

    def remove_all_but(self, kept: Collection[tuple[str, str]], *, before: float) -> int:
        """Remove what no environment is made of; return how many files that were.

        Parameters
        ----------
        kept
            Hash and name of the files that are.
        before
            Moment since which nobody has added a file that is removed: the others may be of a build that ends now.
        """
        removed = 0
        for path in [*self._folder.glob("[!.]*/*"), *self._folder.glob(".*")]:
            if (path.parent.name, path.name) in kept or path.stat().st_mtime >= before:
                continue
            path.unlink()
            removed += 1
            if path.parent != self._folder:
                with suppress(OSError):  # it holds another file
                    path.parent.rmdir()
        return removed


class Environments:
    """One folder an environment; made of the kept files alone, and nothing of them is run.

    Parameters
    ----------
    root
        The data root.
    most_mb
        That one may take.
    """

    def __init__(self, *, root: Path, wheels: Wheels, most_mb: int) -> None:
        self._folder = root / "environments"
        self._wheels = wheels
        self._most_mb = most_mb

    def installed(self, lock: Lock) -> Path:
        """Return the folder of an environment, which is made where it is missing.

        Raises
        ------
        BadManifest
            Its packages are too large, or no packages.
        NotFound
            One of its files is gone.
        """
        target = self._folder / lock.digest
        if not self._touched(target):
            self._install(lock, target)
        return target

    def names(self) -> list[str]:
        """Return which there are."""
        if not self._folder.is_dir():
            return []
        return sorted(path.name for path in self._folder.iterdir() if not path.name.startswith("."))

    def taken_bytes(self, name: str) -> int:
        """Return what an environment's folder takes."""
        return bytes_below(self._folder / name)

    def used_at(self, name: str) -> float | None:
        """Return when an environment was shown to a container last; None where its folder is not there."""
        try:
            return (self._folder / name).stat().st_mtime
        except FileNotFoundError:
            return None

    def remove(self, name: str, *, before: float) -> bool:
        """Remove an environment's folder, unless it was shown to a container since a moment; return whether it is gone."""
        away = self._folder / f".{secrets.token_hex(8)}"
        with self._alone():
            used = self.used_at(name)
            if used is None or used >= before:
                return used is None
            (self._folder / name).rename(away)
        remove_path(away)
        return True

    def remove_unfinished(self, *, before: float) -> None:
        """Remove what installing or removing left that ended half-way."""
        for path in self._folder.glob(".*"):
            if path.stat().st_mtime < before:
                remove_path(path)

    def _touched(self, target: Path) -> bool:
        """Note that an environment is used now, so that nobody removes it; return whether it is there."""
        with self._alone():
            try:
                os.utime(target)
            except FileNotFoundError:
                return False
        return True

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep all others out, those of the Hub's process too."""
        self._folder.mkdir(mode=0o711, parents=True, exist_ok=True)
        lock = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _install(self, lock: Lock, target: Path) -> None:
        # Beside its place: a closed folder cannot be moved into another one, except by root.
        staging = self._folder / f".{secrets.token_hex(8)}"
        staging.mkdir(mode=0o700, parents=True)
        # Boxes with uids of their own pass through, and list nothing.
        self._folder.chmod(0o711)
        try:
            self._fill(lock, staging)
            close_tree(staging)
            staging.rename(target)
        except FileExistsError:
            pass  # another one was first
        except OSError:
            if not target.is_dir():
                raise
        finally:
            if staging.exists():
                remove_path(staging)

    def _fill(self, lock: Lock, folder: Path) -> None:
        """Unpack in a program of its own: a small archive may take all memory, or never end."""
        wheels = [str(self._wheels.path(wheel)) for wheel in lock.wheels]
        call = [
            sys.executable,
            "-P",
            "-m",
            "gavip_hub.storage.unpacking",
            str(folder),
            str(self._most_mb),
            *wheels,
        ]
        try:
            done = subprocess.run(call, check=False, capture_output=True, text=True, timeout=2 * SECONDS)
        except subprocess.TimeoutExpired:
            raise BadManifest("The packages take too long to be installed.") from None
        if done.returncode == UNFIT:
            raise BadManifest(done.stderr[:1000])
        if done.returncode:
            raise BadManifest("The packages cannot be installed: they take too much memory or time.")


def _bytes(file: Path) -> int:
    with suppress(FileNotFoundError):
        return file.stat().st_size
    return 0


def _copied(content: BinaryIO, target: Path) -> str:
    digest = hashlib.sha256()
    with target.open("xb") as file:
        while block := content.read(_COPY):
            digest.update(block)
            file.write(block)
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest()
