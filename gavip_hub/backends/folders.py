"""Folders that strangers can write to, handled without following their links."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath

from gavip_hub.domain.container import ContainerSpec, Mount
from gavip_hub.exceptions import Unavailable

_STEP = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_ONE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # a pipe would be waited for
_READ = 0o055


@contextmanager
def opened(folder: str) -> Iterator[int]:
    """Open a folder no part of whose path is a link: people can put links into their own folders.

    Raises
    ------
    gavip_hub.exceptions.Unavailable
        It is not there, or a link or a file is in the way.
    """
    current = os.open("/", _STEP)
    try:
        for part in Path(folder).parts[1:]:
            current = _step(current, part)
        with _readable(current) as top:
            yield top
    except OSError as error:
        raise Unavailable(f"{folder} must be a folder and no link ({error.strerror})") from error
    finally:
        os.close(current)


def open_mounts(spec: ContainerSpec, *, root: Path, uid: int | None) -> None:
    """Give the person's folders to the person's number, let it read the platform's, and make way for what lies inside.

    Parameters
    ----------
    root
        The data root: what lies where in it tells whose a folder is, and not where its container sees it.

    Raises
    ------
    gavip_hub.exceptions.Unavailable
        A file or a link is in the way.
    """
    theirs = [root / "users", root / "attempts"]  # what is shared stays the platform's
    for mount in spec.mounts if uid is not None else ():
        if any(Path(mount.source).is_relative_to(folder) for folder in theirs):
            hand_over(mount.source, uid or 0)
        else:
            let_read(mount.source)
    make_mount_points(spec.mounts, uid=uid)


def make_mount_points(mounts: tuple[Mount, ...], *, uid: int | None) -> None:
    """Make the folders on which later mounts lie inside earlier ones; their owner may have removed them.

    Raises
    ------
    gavip_hub.exceptions.Unavailable
        A file or a link is in the way.
    """
    for number, mount in enumerate(mounts):
        below = [
            outer for outer in mounts[:number] if PurePosixPath(mount.target).is_relative_to(outer.target)
        ]
        if below:
            outer = max(below, key=lambda one: len(one.target))
            _make_below(outer.source, PurePosixPath(mount.target).relative_to(outer.target), uid=uid)


def _make_below(folder: str, path: PurePosixPath, *, uid: int | None) -> None:
    with opened(folder) as top:
        # A way through a person's own folder is theirs, whoever made it; one through the platform's is not.
        uid = uid if os.fstat(top).st_uid == uid else None
        current = os.dup(top)
        try:
            for part in path.parts:
                _make(current, part, uid)
                current = _step(current, part)
        except OSError as error:
            raise Unavailable(
                f"{path} in the user-space must be a folder ({error.strerror}): remove what lies there"
            ) from error
        finally:
            os.close(current)


@contextmanager
def _readable(directory: int) -> Iterator[int]:
    descriptor = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=directory)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _step(directory: int, name: str) -> int:
    deeper = os.open(name, _STEP, dir_fd=directory)
    os.close(directory)
    return deeper


def _make(directory: int, name: str, uid: int | None) -> None:
    with suppress(FileExistsError):
        os.mkdir(name, 0o700, dir_fd=directory)
    found = os.stat(name, dir_fd=directory, follow_symlinks=False)
    if uid is not None and found.st_uid != uid and stat.S_ISDIR(found.st_mode):
        os.chown(name, uid, uid, dir_fd=directory, follow_symlinks=False)


def hand_over(folder: str, uid: int) -> None:
    """Give a folder and all in it to a person, once; links are never followed."""
    with opened(folder) as top:
        if os.fstat(top).st_uid == uid:
            return
        for _, folders, files, directory in os.fwalk(".", topdown=False, dir_fd=top):
            for name in folders + files:
                os.chown(name, uid, uid, dir_fd=directory, follow_symlinks=False)
        # The top last: a crash in between leaves it to be done again.
        os.fchown(top, uid, uid)


def let_read(folder: str) -> None:
    """Let everyone read a folder of the platform's; what keeps others out is the closed folder above it."""
    with opened(folder) as top:
        if os.fstat(top).st_mode & 0o005 == 0o005:  # noqa: PLR2004  # read and enter, for others
            return
        for _, folders, files, directory in os.fwalk(".", topdown=False, dir_fd=top):
            for name in folders + files:
                _let_read_one(name, directory)
        os.fchmod(top, stat.S_IMODE(os.fstat(top).st_mode) | _READ)


def _let_read_one(name: str, directory: int) -> None:
    looked = os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode
    if not (stat.S_ISDIR(looked) or stat.S_ISREG(looked)):
        return
    # What was opened, not what bears the name by now: that may be a link to any file of the machine.
    descriptor = os.open(name, _ONE, dir_fd=directory)
    try:
        mode = os.fstat(descriptor).st_mode
        more = _READ if stat.S_ISDIR(mode) or mode & stat.S_IXUSR else 0o044
        os.fchmod(descriptor, stat.S_IMODE(mode) | more)
    finally:
        os.close(descriptor)
