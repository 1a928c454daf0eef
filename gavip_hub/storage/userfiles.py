"""Files of users' spaces, read from outside: beneath the space, never through a link."""

import hashlib
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from io import BufferedIOBase
from itertools import islice
from pathlib import Path
from typing import BinaryIO, cast

from gavip_hub.domain.userpaths import is_plain
from gavip_hub.exceptions import NotFound
from gavip_hub.storage.beneath import check_part, open_file, opened_folder

MOST_LISTED = 5000
MOST_SEEN = 50_000
"""Entries of a folder that are looked at."""
LARGEST_HOLE = 1024 * 1024 * 1024
"""Bytes of a file that may be holes altogether."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """A file or folder as it was a moment ago."""

    name: str
    is_folder: bool
    size: int
    modified: float
    etag: str


class UserFiles:
    """What lies in users' spaces.

    Parameters
    ----------
    root
        The data root.
    """

    def __init__(self, *, root: Path) -> None:
        self._users = root / "users"

    def listed(self, owner: str, parts: Sequence[str]) -> tuple[list[Found], bool]:
        """Return what lies in a folder by name, and whether there is more than that.

        Raises
        ------
        NotFound
            There is no such folder.
        """
        space = self._users / check_part(owner)
        if not parts and not space.is_dir():
            return [], False  # nothing of theirs ran yet
        return listed_below(space, parts)

    def open(self, owner: str, parts: Sequence[str]) -> BinaryIO:
        """Open a file.

        Raises
        ------
        NotFound
            There is no such file, or it is a link, a pipe, a device or a folder.
        """
        try:
            return open_file(self._users, [check_part(owner), *parts])
        except OSError:
            raise NotFound(f"There is no file {'/'.join(parts)}.") from None


def listed_below(root: Path, parts: Sequence[str]) -> tuple[list[Found], bool]:
    """Return what lies in a folder below another by name, and whether there is more than that.

    Raises
    ------
    NotFound
        There is no such folder.
    """
    try:
        with opened_folder(root, parts) as folder:
            found = list(_first(_entries(folder), MOST_LISTED + 1))
    except FileNotFoundError:
        raise NotFound("There is no such folder.") from None
    return sorted(found[:MOST_LISTED], key=lambda one: one.name), len(found) > MOST_LISTED


def found_of(name: str, status: os.stat_result) -> Found:
    """Return what is told of a file or folder."""
    return Found(
        name=name,
        is_folder=stat.S_ISDIR(status.st_mode),
        size=status.st_size,
        modified=status.st_mtime,
        etag=f"{status.st_ino:x}-{status.st_size:x}-{status.st_mtime_ns:x}",
    )


def is_mostly_holes(file: BinaryIO) -> bool:
    """Tell whether a file says that it is far larger than what lies on the disk: reading it may take for ever."""
    status = os.fstat(file.fileno())
    return status.st_size > LARGEST_HOLE and status.st_blocks * 512 < status.st_size // 2


def digest_of(file: BinaryIO) -> str:
    """Return the SHA-256 of a file from its beginning."""
    file.seek(0)
    return hashlib.file_digest(cast(BufferedIOBase, file), "sha256").hexdigest()


def _entries(folder: int) -> Iterator[Found]:
    with os.scandir(folder) as listed:
        for entry in islice(listed, MOST_SEEN):  # hidden ones too: there may be no end of them
            if not is_plain(entry.name) or not _is_text(entry.name):
                continue
            with suppress(OSError):  # gone since it was seen
                status = entry.stat(follow_symlinks=False)
                if stat.S_ISDIR(status.st_mode) or stat.S_ISREG(status.st_mode):
                    yield found_of(entry.name, status)


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _first(found: Iterator[Found], most: int) -> Iterator[Found]:
    for _, one in zip(range(most), found, strict=False):
        yield one
