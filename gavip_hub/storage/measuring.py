"""What a folder's files take on their disk."""

import os
from contextlib import suppress
from pathlib import Path

_BLOCK = 512  # the unit of st_blocks, whatever the file system's own
_LEAST = 1024
"""Bytes counted for a file of nothing: it takes a place in its folder and in the file system's table."""


def bytes_below(folder: Path) -> int:
    """Return the bytes of all that lies below a folder, holes left out; links are not followed.

    Without recursion, since strangers choose how deep their folders are nested; what lies deeper than a path can name is not seen.
    """
    total, waiting = 0, [str(folder)]
    while waiting:
        with suppress(OSError), os.scandir(waiting.pop()) as listed:  # gone since it was seen
            for entry in listed:
                total += _taken(entry)
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
    return total


def _taken(entry: os.DirEntry[str]) -> int:
    with suppress(OSError):
        return max(_LEAST, entry.stat(follow_symlinks=False).st_blocks * _BLOCK)
    return 0
