"""A small disk of its own, real, that a test can fill and empty."""

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.needs import missing, need_program

SIZE_MB = 96
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


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Disk]:
    """An ext4 of a hundred MB."""
    if os.geteuid() != 0:
        missing("root", "only root mounts a disk; the tests of a full disk need one of their own")
    make = need_program("mkfs.ext4", "apt-get install e2fsprogs")
    image, folder = tmp_path / "disk.img", tmp_path / "disk"
    folder.mkdir()
    with image.open("wb") as file:
        file.truncate(SIZE_MB * 1024 * 1024)
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
