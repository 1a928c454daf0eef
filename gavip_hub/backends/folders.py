"""Folders that strangers can write to, handled without following their links."""

import os
from pathlib import PurePosixPath

from gavip_hub.domain.container import Mount
from gavip_hub.exceptions import Unavailable

_HERE = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


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
            make_below(outer.source, PurePosixPath(mount.target).relative_to(outer.target), uid=uid)


def make_below(folder: str, path: PurePosixPath, *, uid: int | None = None) -> None:
    """Make `path` below `folder`, each step opened beneath the one before.

    Raises
    ------
    gavip_hub.exceptions.Unavailable
        A file or a link is in the way.
    """
    current = os.open(folder, _HERE)
    try:
        for part in path.parts:
            deeper = _step(current, part, uid)
            os.close(current)
            current = deeper
    except OSError as error:
        raise Unavailable(
            f"{path} below the user-space must be a folder ({error.strerror}): remove what lies there"
        ) from error
    finally:
        os.close(current)


def _step(directory: int, name: str, uid: int | None) -> int:
    try:
        os.mkdir(name, 0o700, dir_fd=directory)
    except FileExistsError:
        pass
    else:
        if uid is not None:
            os.chown(name, uid, uid, dir_fd=directory, follow_symlinks=False)
    return os.open(name, _HERE, dir_fd=directory)
