"""Packages of releases: the files that they are installed from, and the folders that containers see."""

import hashlib
import os
import secrets
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import BinaryIO

from installer import install
from installer.destinations import SchemeDictionaryDestination
from installer.exceptions import InstallerError
from installer.sources import WheelFile

from avi_kernel.protocol.environments import ENVIRONMENT_TARGET, PACKAGES, Lock, LockedWheel
from gavip_hub.exceptions import BadManifest, NotFound
from gavip_hub.storage.copies import MB
from gavip_hub.storage.repositories import close_tree
from gavip_hub.trees import remove_path

MOST_FILES = 200_000
COMPILING_SECONDS = 300
_COPY = 1024 * 1024
_STAGING = ".staging"


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
        staging = self._folder / _STAGING / secrets.token_hex(8)
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
        self._require_small(lock)
        (folder / PACKAGES).mkdir()
        for wheel in lock.wheels:
            try:
                _unpack(self._wheels.path(wheel), folder)
            except (InstallerError, zipfile.BadZipFile, ValueError, KeyError, FileExistsError) as error:
                raise BadManifest(f"{wheel.filename} cannot be installed: {_told(error, folder)}") from None
        _compile(folder / PACKAGES)

    def _require_small(self, lock: Lock) -> None:
        size = files = 0
        for wheel in lock.wheels:
            try:
                with zipfile.ZipFile(self._wheels.path(wheel)) as archive:
                    size += sum(entry.file_size for entry in archive.infolist())
                    files += len(archive.infolist())
            except zipfile.BadZipFile:
                raise BadManifest(f"{wheel.filename} is no package.") from None
        if size > self._most_mb * MB:
            raise BadManifest(
                f"The packages take {-(-size // MB)} MB; at most {self._most_mb} MB are accepted: leave some out."
            )
        if files > MOST_FILES:
            raise BadManifest(f"The packages have {files} files; at most {MOST_FILES} are accepted.")


def _copied(content: BinaryIO, target: Path) -> str:
    digest = hashlib.sha256()
    with target.open("xb") as file:
        while block := content.read(_COPY):
            digest.update(block)
            file.write(block)
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest()


def _unpack(path: Path, folder: Path) -> None:
    lib = str(folder / PACKAGES)
    scheme = {"purelib": lib, "platlib": lib, "data": str(folder), "scripts": str(folder / "bin")}
    scheme["headers"] = str(folder / "include")
    destination = SchemeDictionaryDestination(scheme, interpreter="/usr/bin/env python", script_kind="posix")
    with zipfile.ZipFile(path) as archive:
        install(source=WheelFile(archive), destination=destination, additional_metadata={})


def _compile(folder: Path) -> None:
    """Write byte-code, as containers cannot; in a process that is ended, since sources may be made to be slow."""
    call = [sys.executable, "-I", "-S", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"]
    call += ["-s", str(folder.parent), "-p", ENVIRONMENT_TARGET, str(folder)]
    try:
        subprocess.run(call, check=False, capture_output=True, timeout=COMPILING_SECONDS)
    except subprocess.TimeoutExpired:
        return  # without, it is only slower


def _told(error: Exception, folder: Path) -> str:
    return str(error).replace(f"{folder}/", "")[:500]
