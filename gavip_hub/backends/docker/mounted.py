"""Whether a container sees the very folders that were meant: an engine follows links, and people write in their folders.

Between the moment in which the platform looked at a folder and the one in which the engine mounts what its path leads to, its
owner may have put a link in its place. So the container's first process runs nothing before it was looked at again here.
"""

import os
from collections.abc import Iterable
from pathlib import Path

from avi_kernel.protocol.boxes import Bind
from gavip_hub.exceptions import Unavailable

_STEP = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
Identity = tuple[int, int]
"""Device and inode."""


def identities(binds: Iterable[Bind]) -> dict[str, Identity]:
    """Return what is to be seen at each place, no part of whose path is a link.

    Raises
    ------
    gavip_hub.exceptions.Unavailable
        A link is in the way, or something is not there.
    """
    return {bind.target: _identity("/", bind.source) for bind in binds}


def require_mounted(pid: int, wanted: dict[str, Identity]) -> None:
    """Make sure that the container of a process sees what was meant.

    Raises
    ------
    gavip_hub.exceptions.Unavailable
        It sees something else.
    """
    for target, identity in wanted.items():
        if _identity(f"/proc/{pid}/root", target) != identity:
            raise Unavailable(f"{target} was replaced while its container was being started.")


def _identity(root: str, path: str) -> Identity:
    try:
        current = os.open(root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for part in Path(path).parts[1:]:
                deeper = os.open(part, _STEP, dir_fd=current)
                os.close(current)
                current = deeper
            found = os.fstat(current)
        finally:
            os.close(current)
    except OSError as error:
        raise Unavailable(f"{path} cannot be looked at ({error.strerror}).") from error
    return found.st_dev, found.st_ino
