"""`python -m gavip_hub.storage.unpacking FOLDER WHEEL…`: make an environment's folder of its files.

A program of its own, with limits: wheels are strangers' archives, and a small one may take the memory or the time of whoever
opens it. Nothing of them is run.
"""

import contextlib
import resource
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

from avi_kernel.protocol.environments import ENVIRONMENT_TARGET, PACKAGES

MB = 1024 * 1024
MEMORY_MB = 1024
SECONDS = 120
MOST_FILES = 100_000
DEEPEST = 40
LARGEST_ABOUT = 16 * MB
"""Bytes of a file that tells about a package: these are read whole."""
LARGEST_SOURCE = MB
"""Bytes of a module that byte-code is made of; a larger one is compiled where it is imported."""


class Unfit(Exception):
    """A file is no package that can be installed; the message says why."""


def main(folder: Path, wheels: Sequence[Path], most_mb: int) -> None:
    """Fill a folder."""
    _require_small(wheels, most_mb)
    (folder / PACKAGES).mkdir()
    for wheel in wheels:
        try:
            _unpack(wheel, folder)
        except Exception as error:  # whatever a stranger's archive brings about  # noqa: BLE001
            told = str(error).replace(f"{folder}/", "") or type(error).__name__
            raise Unfit(f"{wheel.name} cannot be installed: {told[:500]}") from None
    _compile(folder / PACKAGES)


def _require_small(wheels: Sequence[Path], most_mb: int) -> None:
    size = files = 0
    for wheel in wheels:
        try:
            with zipfile.ZipFile(wheel) as archive:
                entries = archive.infolist()
        except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError):
            raise Unfit(f"{wheel.name} is no package.") from None
        if any(entry.filename.count("/") > DEEPEST for entry in entries):
            raise Unfit(f"{wheel.name} cannot be installed: its folders are too deep")
        about = "-".join(wheel.name.split("-")[:2])
        if any(entry.filename == f"{about}.data" for entry in entries):
            raise Unfit(f"{wheel.name} cannot be installed: {about}.data is no folder")
        if any(".dist-info/" in entry.filename and entry.file_size > LARGEST_ABOUT for entry in entries):
            raise Unfit(f"{wheel.name} cannot be installed: what it tells of itself is too large")
        size += sum(entry.file_size for entry in entries)
        files += len(entries)
    if size > most_mb * MB:
        raise Unfit(
            f"The packages take {-(-size // MB)} MB; at most {most_mb} MB are accepted: leave some out."
        )
    if files > MOST_FILES:
        raise Unfit(f"The packages have {files} files; at most {MOST_FILES} are accepted.")


def _unpack(path: Path, folder: Path) -> None:
    from installer import install  # noqa: PLC0415 - once the limits are set
    from installer.destinations import SchemeDictionaryDestination  # noqa: PLC0415 - as above
    from installer.sources import WheelFile  # noqa: PLC0415 - as above

    lib = str(folder / PACKAGES)
    scheme = {"purelib": lib, "platlib": lib, "data": str(folder), "scripts": str(folder / "bin")}
    scheme["headers"] = str(folder / "include")
    destination = SchemeDictionaryDestination(scheme, interpreter="/usr/bin/env python", script_kind="posix")
    with zipfile.ZipFile(path) as archive:
        install(source=WheelFile(archive), destination=destination, additional_metadata={})


def _compile(folder: Path) -> None:
    """Write byte-code, as containers cannot; what cannot be compiled here is compiled where it is imported."""
    large = [path for path in folder.rglob("*.py") if path.stat().st_size > LARGEST_SOURCE]
    if large:
        return
    call = [sys.executable, "-I", "-S", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"]
    call += ["-s", str(folder.parent), "-p", ENVIRONMENT_TARGET, str(folder)]
    with contextlib.suppress(subprocess.TimeoutExpired):
        subprocess.run(call, check=False, capture_output=True, timeout=SECONDS / 2)


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_MB * MB, MEMORY_MB * MB))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    try:
        main(Path(sys.argv[1]), [Path(path) for path in sys.argv[3:]], int(sys.argv[2]))
    except Unfit as unfit:
        sys.stderr.write(str(unfit))
        sys.exit(2)
