"""Removes folders that strangers filled: however deep they are, it takes neither recursion nor many descriptors."""

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def remove_tree(folder: int, name: str) -> None:
    """Remove what lies at a name in a folder, never following a link; no harm where nothing is.

    `shutil.rmtree` calls itself for each level, and a thousand levels are more than Python has.
    """
    if not is_folder(folder, name):
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=folder)
        return
    with opened(folder, name) as top:
        while names := names_in(top):
            for each in names:
                _remove_emptied(top, each)
    os.rmdir(name, dir_fd=folder)


def remove_path(path: Path) -> None:
    """Remove what lies at a path whose parent is the platform's own; no harm where nothing is."""
    try:
        parent = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        remove_tree(parent, path.name)
    finally:
        os.close(parent)


def names_in(folder: int) -> list[str]:
    """Return the names in a folder that is open."""
    return os.listdir(folder)


def is_folder(folder: int, name: str) -> bool:
    """Tell whether a true folder lies at a name; a link to one is none."""
    try:
        return stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)
    except FileNotFoundError:
        return False


@contextmanager
def opened(folder: int, name: str) -> Iterator[int]:
    """Give a descriptor of a folder, whatever mode its maker gave it."""
    os.chmod(name, stat.S_IRWXU, dir_fd=folder)
    descriptor = os.open(name, FOLDER, dir_fd=folder)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _remove_emptied(top: int, name: str) -> None:
    """Remove a file, or a folder whose own folders are moved up beside it first: so nothing gets deeper than two."""
    if not is_folder(top, name):
        os.unlink(name, dir_fd=top)
        return
    with opened(top, name) as here:
        for each in names_in(here):
            if is_folder(here, each):
                os.chmod(each, stat.S_IRWXU, dir_fd=here)  # without it only root may move it
                os.rename(each, secrets.token_hex(12), src_dir_fd=here, dst_dir_fd=top)
            else:
                os.unlink(each, dir_fd=here)
    os.rmdir(name, dir_fd=top)
