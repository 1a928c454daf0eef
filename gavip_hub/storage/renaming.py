"""Give a thing another place where nothing lies: what is there is never written over unasked."""

import ctypes
import errno
import os

from gavip_hub.domain.userpaths import beside
from gavip_hub.exceptions import Taken
from gavip_hub.trees import is_folder

MOST_NAMES = 1000
"""That are tried for something whose own name is taken."""
_NOREPLACE = 1
_UNKNOWN = (errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP)
"""What a kernel or a file system says that does not know the flag; EINVAL also means a folder into itself."""
_libc = ctypes.CDLL(None, use_errno=True)


def rename_new(folder: int, name: str, to_folder: int, to_name: str) -> None:
    """Rename a file or folder from one open folder to another.

    Raises
    ------
    FileExistsError
        Something lies there; nothing was changed.
    OSError
        It cannot be done, as for a folder into itself.
    """
    wrong = _renameat2(folder, name, to_folder, to_name)
    if wrong in _UNKNOWN:
        _rename_plainly(folder, name, to_folder, to_name)
    elif wrong:
        raise OSError(wrong, os.strerror(wrong), to_name)


def put_free(folder: int, name: str, to_folder: int, to_name: str) -> str:
    """Rename to a name, or, where that is taken, to the first like it that is free; return which."""
    for number in range(1, MOST_NAMES):
        free = to_name if number == 1 else beside(to_name, number)
        try:
            rename_new(folder, name, to_folder, free)
        except FileExistsError:
            continue
        return free
    raise Taken(f"{to_name} and {MOST_NAMES} names like it are taken: rename some of them.")


def _renameat2(folder: int, name: str, to_folder: int, to_name: str) -> int:
    """Return the error's number, or 0."""
    call = getattr(_libc, "renameat2", None)
    if call is None:
        return errno.ENOSYS
    if call(folder, os.fsencode(name), to_folder, os.fsencode(to_name), _NOREPLACE) == 0:
        return 0
    return ctypes.get_errno()


def _rename_plainly(folder: int, name: str, to_folder: int, to_name: str) -> None:
    """Rename where the file system knows no such flag: a file by a second name, which fails where something lies."""
    if is_folder(folder, name):
        # A folder replaces nothing but an empty folder.
        os.rename(name, to_name, src_dir_fd=folder, dst_dir_fd=to_folder)
        return
    os.link(name, to_name, src_dir_fd=folder, dst_dir_fd=to_folder, follow_symlinks=False)
    os.unlink(name, dir_fd=folder)
