"""Files below a folder, reached one step at a time and never through a link: strangers write there."""

import os
import stat
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Self

from gavip_hub.exceptions import NotFound, Unavailable
from gavip_hub.trees import FOLDER, is_folder, names_in, remove_tree

READABLE = stat.S_IRWXU | stat.S_IRGRP | stat.S_IXGRP | stat.S_IROTH | stat.S_IXOTH
PASSABLE = 0o711
"""Boxes with uids of their own pass through, and list nothing."""
MOST_DEEP = 50
"""Folders within folders that are kept of an attempt."""
MOST_ENTRIES = 100_000
"""Files and folders that are kept of an attempt: each costs some time, and may be a stranger's joke."""
# A named pipe would be waited for without O_NONBLOCK; it is refused once open, as are devices.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def check_part(part: str) -> str:
    """Return one step of a path.

    Raises
    ------
    NotFound
        It would lead elsewhere than one step down.
    """
    if part in {"", ".", ".."} or "/" in part or "\0" in part:
        raise NotFound(f"{part[:80]!r} is not the name of a file.")
    return part


@contextmanager
def opened_folder(
    root: Path, parts: Sequence[str], *, make: bool = False, mode: int = 0o700
) -> Iterator[int]:
    """Give a descriptor of the folder `root/parts...`; only `root` itself may be reached through links.

    Parameters
    ----------
    make
        Whether missing folders are made.

    Raises
    ------
    NotFound
        A folder is missing.
    Unavailable
        Something else is in its place: a file or a link.
    """
    current = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for part in parts:
            deeper = _step(current, check_part(part), make=make, mode=mode)
            os.close(current)
            current = deeper
        yield current
    finally:
        os.close(current)


def _step(folder: int, name: str, *, make: bool, mode: int) -> int:
    if make:
        with suppress(FileExistsError):
            os.mkdir(name, mode, dir_fd=folder)
    try:
        return os.open(name, FOLDER, dir_fd=folder)
    except FileNotFoundError:
        raise NotFound(f"There is no folder {name}.") from None
    except OSError as error:
        raise Unavailable(f"{name} must be a folder ({error.strerror}): remove what lies there.") from error


def open_file(root: Path, parts: Sequence[str]) -> BinaryIO:
    """Open the file `root/parts...` for reading.

    Raises
    ------
    NotFound
        There is no such file, or it is a link, a pipe, a device or a folder.
    """
    *folders, name = parts
    try:
        with opened_folder(root, folders) as folder:
            return open_in(folder, name)
    except (OSError, Unavailable):
        raise NotFound(f"There is no file {name}.") from None


def open_in(folder: int, name: str) -> BinaryIO:
    """Open a file of a folder that is open for reading.

    Raises
    ------
    NotFound
        There is no such file, or it is a link, a pipe, a device or a folder.
    """
    try:
        descriptor = os.open(check_part(name), _FILE, dir_fd=folder)
    except OSError:
        raise NotFound(f"There is no file {name}.") from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise NotFound(f"{name} is not a file.")
    return os.fdopen(descriptor, "rb")


def take_over(folder: int, name: str, *, first: Collection[str] = ()) -> str:
    """Make a tree the platform's own and read-only to everybody else; links are left as they are.

    Parameters
    ----------
    first
        What is dealt with before all else in the tree, so that no mass of other files costs it its place.

    Returns
    -------
    str
        What was removed because there was too much of it, in words; nothing where all was kept.
    """
    ours, left, defect = os.geteuid(), MOST_ENTRIES, ""
    _take_over_one(name, folder, ours)
    levels = [_Level.of(folder, name, first=first)]
    try:
        while levels:
            here = levels[-1]
            if not here.names:
                os.close(levels.pop().descriptor)
                continue
            entry, left = here.names.pop(), left - 1
            too_much = _too_much(left, len(levels), is_folder=is_folder(here.descriptor, entry))
            if too_much:
                remove_tree(here.descriptor, entry)
                defect = too_much
            elif _take_over_one(entry, here.descriptor, ours):
                levels.append(_Level.of(here.descriptor, entry))
    finally:
        for level in levels:
            os.close(level.descriptor)
    return defect


@dataclass(frozen=True, kw_only=True)
class _Level:
    """A folder on the way down, and what in it is still to be done."""

    descriptor: int
    names: list[str]
    """Taken from the end."""

    @classmethod
    def of(cls, folder: int, name: str, *, first: Collection[str] = ()) -> Self:
        descriptor = os.open(name, FOLDER, dir_fd=folder)
        return cls(descriptor=descriptor, names=sorted(names_in(descriptor), key=lambda each: each in first))


def _too_much(left: int, depth: int, *, is_folder: bool) -> str:
    """Return why an entry is not kept, in words, or nothing."""
    if left < 0:
        return f"its folder held more than {MOST_ENTRIES} files and folders; the rest was removed."
    if is_folder and depth >= MOST_DEEP:
        return f"its folder held folders more than {MOST_DEEP} deep, which were removed."
    return ""


def _take_over_one(name: str, folder: int, ours: int) -> bool:
    """Take one entry over; return whether it is a folder."""
    found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    if found.st_uid != ours:
        # Changing the owner also takes set-uid bits away; only root gets here.
        os.chown(name, ours, os.getegid(), dir_fd=folder, follow_symlinks=False)
    if stat.S_ISDIR(found.st_mode):
        os.chmod(name, READABLE, dir_fd=folder)
    elif stat.S_ISREG(found.st_mode):
        os.chmod(name, 0o444, dir_fd=folder)
    return stat.S_ISDIR(found.st_mode)
