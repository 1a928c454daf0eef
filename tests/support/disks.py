"""A small disk of its own, real, that a test can fill and empty."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.needs import missing, need_program

SMALL_MB = 96
PIECE = 64 * 1024


@dataclass
class Disk:
    """A mounted file system."""

    path: Path

    @property
    def free(self) -> int:
        found = os.statvfs(self.path)
        return found.f_bavail * found.f_frsize

    def fill(self, *, leave_mb: int = 0) -> None:
        """Write until so much is left; to the last byte where that is nothing."""
        size = self.free - leave_mb * 1024 * 1024
        with self._filler.open("ab", buffering=0) as file:
            if leave_mb:
                os.posix_fallocate(file.fileno(), 0, size)
                return
            os.utime(file.fileno())
            os.fsync(file.fileno())  # what was just deleted is free once the journal has it
            for piece in (PIECE, 512):
                try:
                    while True:
                        file.write(b"\1" * piece)
                except OSError:
                    continue

    def empty(self) -> None:
        """Take away what fills it."""
        self._filler.unlink()

    @property
    def _filler(self) -> Path:
        return self.path / "filler"


@contextmanager
def mounted_disk(place: Path, *, size_mb: int) -> Iterator[Disk]:
    """Mount a new ext4 below a folder."""
    if os.geteuid() != 0:
        missing("root", "only root mounts a disk; the tests of a full disk need one of their own")
    make = need_program("mkfs.ext4", "apt-get install e2fsprogs")
    image, folder = place / "disk.img", place / "disk"
    folder.mkdir()
    with image.open("wb") as file:
        file.truncate(size_mb * 1024 * 1024)
    subprocess.run([make, "-q", "-m", "0", image], check=True)
    mounted = subprocess.run(
        ["mount", "-o", "loop", image, folder], check=False, capture_output=True, text=True
    )
    if mounted.returncode:
        missing("a loop device", mounted.stderr.strip())
    try:
        yield Disk(path=folder)
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Disk]:
    """A disk of a hundred MB."""
    with mounted_disk(tmp_path, size_mb=SMALL_MB) as disk:
        yield disk
