"""Contents of products, each kept once under its digest: the platform's own, and never written again."""

import fcntl
import hashlib
import os
import secrets
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Self

from gavip_hub.exceptions import BadParameter, Conflict
from gavip_hub.storage.beneath import open_file, opened_folder
from gavip_hub.storage.userfiles import digest_of, is_mostly_holes

TRIES = 3
"""Copies of a file that its owner writes meanwhile, before it is refused."""
_PIECE = 1024 * 1024
_CLONE = 0x40049409  # FICLONE of linux/fs.h: on file systems that can, a copy takes no room and no time
_OPEN = 0o444


@dataclass(frozen=True, kw_only=True)
class Blob:
    """A content that is kept."""

    sha256: str
    size: int


class Blobs:
    """The store of contents.

    Parameters
    ----------
    root
        The data root.
    """

    def __init__(self, *, root: Path) -> None:
        self._root = root
        self._blobs = root / "products" / "blobs"
        self._aside = root / "products" / "aside"

    def prepare(self) -> None:
        """Make the folders, and forget copies that were not finished."""
        with opened_folder(self._root, ["products", "blobs"], make=True):
            pass
        with opened_folder(self._root, ["products", "aside"], make=True):
            pass
        for path in self._aside.iterdir():
            path.unlink()

    def keep(self, source: BinaryIO, *, most: int, told: Callable[[int], object] = lambda _: None) -> Blob:
        """Keep what an open file holds at this moment: what was copied is what its digest is of.

        Parameters
        ----------
        most
            Bytes that it may have.
        told
            Called with the number of bytes copied so far.

        Raises
        ------
        Conflict
            It is written again and again while it is copied, or has grown.
        BadParameter
            Most of it are holes.
        """
        if is_mostly_holes(source):
            raise BadParameter("It is mostly holes; pack it, and make a product of that.", field="path")
        for _ in range(TRIES):
            before = _mark(source)
            if before[1] > most:
                raise Conflict("It has grown since it was measured; make the product again.")
            with self._copied(source, before[1], told) as aside:
                if _mark(source) == before and aside.size == before[1]:
                    return self._put(aside)
        raise Conflict("It was written while it was copied; make the product when nothing writes it.")

    def open(self, sha256: str) -> BinaryIO:
        """Open a content; the caller closes it.

        Raises
        ------
        NotFound
            It is not kept.
        """
        return open_file(self._root, ["products", "blobs", sha256[:2], sha256])

    def path_of(self, sha256: str) -> Path:
        """Return where a content lies."""
        return self._blobs / sha256[:2] / sha256

    def has(self, sha256: str) -> bool:
        """Tell whether a content is kept."""
        return self.path_of(sha256).is_file()

    def by_folder(self) -> Iterator[list[str]]:
        """Yield the digests of what is kept, a folder of them at a time."""
        for folder in sorted(self._blobs.iterdir()) if self._blobs.is_dir() else []:
            yield sorted(path.name for path in folder.iterdir())

    def remove(self, digests: Collection[str]) -> None:
        """Remove contents; readers that have one open read it to its end."""
        for sha256 in digests:
            self.path_of(sha256).unlink(missing_ok=True)

    def _copied(self, source: BinaryIO, size: int, told: Callable[[int], object]) -> "_Aside":
        aside = _Aside(self._aside / secrets.token_hex(16))
        try:
            aside.fill(source, size, told)
        except BaseException:
            aside.close()
            raise
        return aside

    def _put(self, aside: "_Aside") -> Blob:
        blob = Blob(sha256=aside.sha256, size=aside.size)
        with opened_folder(self._root, ["products", "blobs", blob.sha256[:2]], make=True) as folder:
            if not self.has(blob.sha256):
                os.fchmod(aside.file.fileno(), _OPEN)
                os.fsync(aside.file.fileno())
                os.rename(aside.path, blob.sha256, dst_dir_fd=folder)
                os.fsync(folder)
        return blob


class _Aside:
    """A copy that is not kept yet; gone when it is left."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "w+b")
        self.sha256 = ""
        self.size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        self.file.close()
        self.path.unlink(missing_ok=True)

    def fill(self, source: BinaryIO, size: int, told: Callable[[int], object]) -> None:
        try:
            fcntl.ioctl(self.file.fileno(), _CLONE, source.fileno())
        except OSError:
            self._copy(source, size, told)
            return
        self.size = os.fstat(self.file.fileno()).st_size
        self.sha256 = digest_of(self.file)
        told(self.size)

    def _copy(self, source: BinaryIO, size: int, told: Callable[[int], object]) -> None:
        """Copy no more than the size that was seen: a file that grows would have no end."""
        digest = hashlib.sha256()
        source.seek(0)
        while self.size < size and (piece := source.read(min(_PIECE, size - self.size))):
            self.file.write(piece)
            digest.update(piece)
            self.size += len(piece)
            told(self.size)
        self.file.flush()
        self.sha256 = digest.hexdigest()


def _mark(source: BinaryIO) -> tuple[int, int, int]:
    """Return what changes when somebody writes a file."""
    status = os.fstat(source.fileno())
    return status.st_mtime_ns, status.st_size, status.st_ctime_ns
