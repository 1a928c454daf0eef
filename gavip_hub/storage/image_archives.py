"""Archives of images, as `docker load` reads them: made once an image, whole or not at all."""

import hashlib
import os
import secrets
import time
import zlib
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

LEVEL = 1
"""Of gzip, which every engine reads: higher ones take much longer for little."""
_GZIP = 16 + zlib.MAX_WBITS
_ENDING = ".tar.gz"
_ABANDONED_SECONDS = 3600.0
"""Without a byte, after which nobody makes a partial archive any more: an engine is waited for less long."""


@dataclass(frozen=True, kw_only=True)
class Archive:
    """One that is whole."""

    size: int
    sha256: str
    made_at: datetime


class ImageArchives:
    """The folder `images` below the data root: each file is called by what it is an archive of, and by its own SHA-256.

    Parameters
    ----------
    root
        The data root.
    """

    def __init__(self, *, root: Path) -> None:
        self._folder = root / "images"

    def found(self, key: str) -> Archive | None:
        """Return an archive; None where there is none."""
        path = self._path(key)
        try:
            return _described(path.name, path.stat()) if path else None
        except FileNotFoundError:
            return None  # removed since it was seen

    def open(self, key: str) -> tuple[Archive, BinaryIO] | None:
        """Return an archive with its content, which stays as long as it is open; None where there is none."""
        path = self._path(key)
        if path is None:
            return None
        try:
            file = path.open("rb")
        except FileNotFoundError:
            return None
        return _described(path.name, os.fstat(file.fileno())), file

    def make(self, key: str, pieces: Iterable[bytes], *, taken: Callable[[int], None]) -> Archive:
        """Make an archive of what `docker save` writes.

        Parameters
        ----------
        taken
            Told how many bytes more were taken in.
        """
        self._folder.mkdir(mode=0o700, exist_ok=True)
        partial = self._folder / f".{secrets.token_hex(8)}"
        try:
            digest = _compressed(pieces, partial, taken)
            partial.rename(self._folder / f"{key}.{digest}{_ENDING}")
        finally:
            partial.unlink(missing_ok=True)
        made = self.found(key)
        if made is None:
            raise FileNotFoundError(f"the archive {key} was removed as soon as it was made")
        return made

    def keep(self, keys: Collection[str]) -> None:
        """Remove all archives but these, and what makers left that were cut short."""
        for path in self._folder.glob("*"):
            with suppress(FileNotFoundError):
                is_partial = path.name.startswith(".")
                old = path.stat().st_mtime < time.time() - _ABANDONED_SECONDS
                if old if is_partial else path.name.partition(".")[0] not in keys:
                    path.unlink()

    def used(self) -> int:
        """Return the bytes that all of them take."""
        total = 0
        for path in self._folder.glob("*"):
            with suppress(FileNotFoundError):
                total += path.stat().st_size
        return total

    def _path(self, key: str) -> Path | None:
        return next(self._folder.glob(f"{key}.*{_ENDING}"), None)


def _described(name: str, found: os.stat_result) -> Archive:
    digest = name.removesuffix(_ENDING).rpartition(".")[2]
    return Archive(size=found.st_size, sha256=digest, made_at=datetime.fromtimestamp(found.st_mtime, UTC))


def _compressed(pieces: Iterable[bytes], target: Path, taken: Callable[[int], None]) -> str:
    """Write a file of pieces, compressed, and return its SHA-256."""
    packer, digest = zlib.compressobj(LEVEL, zlib.DEFLATED, _GZIP), hashlib.sha256()
    with target.open("xb") as file:

        def write(part: bytes) -> None:
            digest.update(part)
            file.write(part)

        for piece in pieces:
            write(packer.compress(piece))
            taken(len(piece))
        write(packer.flush())
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest()
