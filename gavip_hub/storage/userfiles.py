"""Files of users' spaces, read from outside: beneath the space, never through a link."""

import hashlib
import os
import stat
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from io import BufferedIOBase
from pathlib import Path
from typing import BinaryIO, cast

from gavip_hub.exceptions import NotFound, Unavailable
from gavip_hub.storage.beneath import check_part, open_file, opened_folder
from gavip_hub.storage.folder_names import Numbers, names_in
from gavip_hub.storage.kept_names import KeptNames, Names

MOST_LISTED = 5000
DEEPEST = 50
"""Folders within folders that are walked through."""
_LAST_TIME = 253_402_300_799.0
"""End of the year 9999, beyond which there are no dates; a file may say that it is of a million years hence."""
LARGEST_HOLE = 1024 * 1024 * 1024
"""Bytes of a file that may be holes altogether."""
_KEPT = KeptNames()
"""One for the whole process: the system gives few of what watches."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """A file or folder as it was a moment ago."""

    name: str
    is_folder: bool
    size: int
    modified: float
    etag: str
    holes: bool = False
    """Whether it says that it is far larger than what lies on the disk: reading it may take for ever."""


@dataclass(frozen=True, kw_only=True)
class Listed:
    """A page of a folder."""

    found: list[Found]
    total: int
    """All that lies in the folder and is shown."""
    more: bool
    """Whether something follows this page."""


NOTHING = Listed(found=[], total=0, more=False)


class Order(StrEnum):
    """What a folder is listed by; folders come first in any case."""

    NAME = "name"
    NAME_BACKWARDS = "-name"
    SIZE = "size"
    SIZE_BACKWARDS = "-size"
    MODIFIED = "modified"
    MODIFIED_BACKWARDS = "-modified"

    @property
    def by(self) -> str:
        """The attribute of what is found."""
        return self.value.lstrip("-")

    @property
    def backwards(self) -> bool:
        """Whether the last comes first."""
        return self.value.startswith("-")


class UserFiles:
    """What lies in users' spaces.

    Parameters
    ----------
    root
        The data root.
    """

    def __init__(self, *, root: Path) -> None:
        self._users = root / "users"

    def listed(
        self,
        owner: str,
        parts: Sequence[str],
        *,
        order: Order = Order.NAME,
        offset: int = 0,
        limit: int = MOST_LISTED,
    ) -> Listed:
        """Return a page of what lies in a folder: folders first, files by name, size or time.

        Raises
        ------
        NotFound
            There is no such folder.
        """
        space = self._users / check_part(owner)
        if not parts and not space.is_dir():
            return NOTHING  # nothing of theirs ran yet
        return listed_below(space, parts, order=order, offset=offset, limit=limit)

    def below(self, owner: str, parts: Sequence[str]) -> Iterator["Step"]:
        """Yield what lies below a folder, folder by folder; nothing hidden, no links, nothing that came or went meanwhile.

        Raises
        ------
        NotFound
            There is no such folder.
        """
        if parts or (self._users / check_part(owner)).is_dir():  # else nothing of theirs ran yet
            yield from steps_below(self._users, [check_part(owner), *parts])

    def named(
        self, owner: str, parts: Sequence[str], *, fits: Callable[[str], bool], most: int, most_seen: int
    ) -> tuple[list[tuple[tuple[str, ...], Found]], bool]:
        """Return what lies below a folder under a name that fits, and whether there may be more.

        Only what fits is looked at itself: to ask for the size of each of many files takes far longer than to read their names.

        Raises
        ------
        NotFound
            There is no such folder.
        """
        found: list[tuple[tuple[str, ...], Found]] = []
        if not parts and not (self._users / check_part(owner)).is_dir():
            return found, False  # nothing of theirs ran yet
        seen = 0
        for here, folder, names in _folders_below(self._users, [check_part(owner), *parts]):
            for one in _looked_at(folder, filter(fits, names[: most_seen - seen])):
                found.append(((*here, one.name), one))
                if len(found) > most:
                    return found[:most], True
            seen += len(names)
            if seen > most_seen:
                return found, True
        return found, False

    def found(self, owner: str, parts: Sequence[str]) -> Found:
        """Return what is told of one file or folder.

        Raises
        ------
        NotFound
            There is none, or it is a link.
        """
        with self.parent(owner, parts) as folder:
            return found_in(folder, parts[-1])

    def exists(self, owner: str, parts: Sequence[str]) -> bool:
        """Tell whether anything lies at a place, whatever it is."""
        with suppress(NotFound, FileNotFoundError), self.parent(owner, parts) as folder:
            os.stat(parts[-1], dir_fd=folder, follow_symlinks=False)
            return True
        return False

    @contextmanager
    def parent(self, owner: str, parts: Sequence[str]) -> Iterator[int]:
        """Give the open folder in which something lies.

        Raises
        ------
        NotFound
            There is none, or a link leads there.
        """
        way = ExitStack()
        try:
            folder = way.enter_context(opened_folder(self._users, [check_part(owner), *parts[:-1]]))
        except (OSError, Unavailable):
            raise NotFound(f"There is no {'/'.join(parts)}.") from None
        with way:
            yield folder

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


def listed_below(
    root: Path,
    parts: Sequence[str],
    *,
    order: Order = Order.NAME,
    offset: int = 0,
    limit: int = MOST_LISTED,
) -> Listed:
    """Return a page of what lies in a folder below another: folders first, files by name, size or time.

    Raises
    ------
    NotFound
        There is no such folder.
    """
    try:
        with opened_folder(root, parts) as folder:
            return _page(folder, order, offset, min(limit, MOST_LISTED))
    except (FileNotFoundError, Unavailable):
        raise NotFound("There is no such folder.") from None


def found_of(name: str, status: os.stat_result) -> Found:
    """Return what is told of a file or folder."""
    return Found(
        name=name,
        is_folder=stat.S_ISDIR(status.st_mode),
        size=status.st_size,
        modified=min(max(status.st_mtime, 0.0), _LAST_TIME),
        etag=f"{status.st_ino:x}-{status.st_size:x}-{status.st_mtime_ns:x}",
        holes=stat.S_ISREG(status.st_mode) and _has_holes(status),
    )


def is_mostly_holes(file: BinaryIO) -> bool:
    """Tell whether a file says that it is far larger than what lies on the disk: reading it may take for ever."""
    return _has_holes(os.fstat(file.fileno()))


def size_of(file: BinaryIO) -> int:
    """Return the bytes of a file that is open."""
    return os.fstat(file.fileno()).st_size


def _has_holes(status: os.stat_result) -> bool:
    return status.st_size > LARGEST_HOLE and status.st_blocks * 512 < status.st_size // 2


def digest_of(file: BinaryIO) -> str:
    """Return the SHA-256 of a file from its beginning."""
    file.seek(0)
    return hashlib.file_digest(cast(BufferedIOBase, file), "sha256").hexdigest()


def found_in(folder: int, name: str) -> Found:
    """Return what is told of one file or folder of an open folder.

    Raises
    ------
    NotFound
        There is none; links, pipes and devices are none.
    """
    try:
        status = os.stat(check_part(name), dir_fd=folder, follow_symlinks=False)
    except OSError:
        raise NotFound(f"There is no {name}.") from None
    if not _is_shown(status):
        raise NotFound(f"{name} is neither a file nor a folder.")
    return found_of(name, status)


@dataclass(frozen=True, kw_only=True)
class Step:
    """A file or a folder on a walk."""

    parts: tuple[str, ...]
    """From where the walk began."""
    folder: int
    """The open folder in which it lies; good until the next step."""
    found: Found


def steps_below(root: Path, parts: Sequence[str]) -> Iterator[Step]:
    """Yield what lies below the folder `root/parts...`, each folder before what lies in it.

    Every folder is reached from the top again and never through a link, so that one that is swapped for a link while the walk
    goes on leads nowhere; and neither recursion nor many descriptors are needed, however deep strangers' folders lie.

    Raises
    ------
    NotFound
        There is no such folder.
    """
    for here, folder, names in _folders_below(root, parts):
        for found in _looked_at(folder, names):
            yield Step(parts=(*here, found.name), folder=folder, found=found)


def _folders_below(root: Path, parts: Sequence[str]) -> Iterator[tuple[tuple[str, ...], int, list[str]]]:
    """Yield each folder on a walk: its path from where that began, itself, open, and its names in order."""
    waiting: deque[tuple[str, ...]] = deque([()])
    while waiting:
        here = waiting.popleft()
        try:
            with opened_folder(root, [*parts, *here]) as folder:
                found = names_in(folder)
                below = sorted(found.folders)
                yield here, folder, sorted([*below, *found.files])
                if len(here) + 1 < DEEPEST:
                    waiting += ((*here, name) for name in below)
        except (NotFound, Unavailable, OSError):
            if not here:
                raise NotFound("There is no such folder.") from None


def _page(folder: int, order: Order, offset: int, limit: int) -> Listed:
    """Read names alone where those suffice: asking for the size of each of many files takes far longer."""
    names, more = _names(folder, order)
    chosen = list(_looked_at(folder, names[offset : offset + limit]))
    return Listed(found=chosen, total=len(names), more=more or offset + limit < len(names))


def _names(folder: int, order: Order) -> Names:
    """Return the names in order, those of folders first, and whether there are more than are looked at."""
    return _KEPT.names(folder, order, lambda: _read(folder, order))


def _read(folder: int, order: Order) -> Names:
    found = names_in(folder, order.by)
    return [*_in_order(found.folders, order), *_in_order(found.files, order)], found.more


def _in_order(numbers: Numbers, order: Order) -> list[str]:
    if order.by == "name":
        return sorted(numbers, reverse=order.backwards)
    return sorted(sorted(numbers), key=numbers.__getitem__, reverse=order.backwards)


def _looked_at(folder: int, names: Iterable[str]) -> Iterator[Found]:
    for name in names:
        with suppress(NotFound):  # gone since it was seen
            yield found_in(folder, name)


def _is_shown(status: os.stat_result) -> bool:
    return stat.S_ISDIR(status.st_mode) or stat.S_ISREG(status.st_mode)
