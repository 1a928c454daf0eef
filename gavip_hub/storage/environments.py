"""Packages of releases: the files that they are installed from, and the folders that containers see."""

import hashlib
import os
import secrets
import subprocess
import sys
from pathlib import Path
from typing import BinaryIO

from avi_kernel.protocol.environments import Lock, LockedWheel
from gavip_hub.exceptions import BadManifest, NotFound
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
        if not target.is_dir():
            self._install(lock, target)
        return target

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


def _copied(content: BinaryIO, target: Path) -> str:
    digest = hashlib.sha256()
    with target.open("xb") as file:
        while block := content.read(_COPY):
            digest.update(block)
            file.write(block)
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest()
