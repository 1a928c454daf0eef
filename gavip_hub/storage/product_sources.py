"""What products are made of: files of a space, walked by descriptors and never through a link."""

import errno
import mimetypes
import os
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from avi_kernel.protocol.base import MEDIA_TYPE
from gavip_hub.domain.products import LONGEST_PATH, MOST_FILES
from gavip_hub.domain.userpaths import is_plain
from gavip_hub.exceptions import BadParameter, NotFound, Unavailable
from gavip_hub.storage.beneath import check_part, open_file, opened_folder
from gavip_hub.storage.folder_names import MOST_SEEN
from gavip_hub.trees import FOLDER

MOST_DEEP = 30
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_SWAPPED = {errno.ENOENT, errno.ELOOP, errno.ENOTDIR, errno.ENXIO}
"""What opening says of a thing that is gone, or is something else since it was seen."""
_ANY = "application/octet-stream"


@dataclass(frozen=True, kw_only=True)
class SourceFile:
    """A file that a product is to hold, open."""

    path: str
    """Within the product."""
    file: BinaryIO
    media_type: str
    sha256: str = ""
    """What it must be, where that is known."""


class Sources:
    """Files of users' spaces.

    Parameters
    ----------
    root
        The data root.
    """

    def __init__(self, *, root: Path) -> None:
        self._users = root / "users"

    def below(self, owner: str, parts: Sequence[str]) -> Iterator[SourceFile]:
        """Yield a file, or all that lies in a folder: nothing hidden, and no links.

        Each is closed when the next is asked for.

        Raises
        ------
        NotFound
            There is no such file or folder.
        BadParameter
            It holds more files, deeper folders or longer names than a product may.
        """
        whole = [check_part(owner), *parts]
        try:
            file = open_file(self._users, whole)
        except (NotFound, OSError):
            yield from self._in_folder(whole)
            return
        with file:
            yield SourceFile(path=parts[-1], file=file, media_type=media_type_of(parts[-1]))

    def measure(self, owner: str, parts: Sequence[str]) -> tuple[int, int]:
        """Return how many files and bytes a product of it would have; raises as `below` does."""
        files = size = 0
        for one in self.below(owner, parts):
            files, size = files + 1, size + os.fstat(one.file.fileno()).st_size
        return files, size

    def _in_folder(self, whole: Sequence[str]) -> Iterator[SourceFile]:
        try:
            with opened_folder(self._users, whole) as folder:
                for number, one in enumerate(_walk(folder, "", MOST_DEEP)):
                    if number >= MOST_FILES:
                        raise BadParameter(
                            f"It holds more than {MOST_FILES} files; pack them into one, and make a product of that.",
                            field="path",
                        )
                    yield one
        except (FileNotFoundError, NotFound, Unavailable):
            raise NotFound(f"There is no file or folder {'/'.join(whole[1:])[:80]}.") from None


def media_type_of(name: str) -> str:
    """Return what a file is taken for by its name."""
    found = mimetypes.guess_type(name)[0] or _ANY
    return found if re.fullmatch(MEDIA_TYPE, found) else _ANY


def _walk(folder: int, above: str, deep: int) -> Iterator[SourceFile]:
    for name in _names(folder, above):
        path = f"{above}{name}"
        found = _opened(folder, name, path)
        if found is None:
            continue
        descriptor, is_folder = found
        try:
            if len(path.encode()) > LONGEST_PATH or (is_folder and deep == 0):
                raise BadParameter(f"{path[:80]}… lies deeper than a product may hold it.", field="path")
            if is_folder:
                yield from _walk(descriptor, f"{path}/", deep - 1)
            else:
                with os.fdopen(descriptor, "rb", closefd=False) as file:
                    yield SourceFile(path=path, file=file, media_type=media_type_of(name))
        finally:
            os.close(descriptor)


def _names(folder: int, above: str) -> list[str]:
    with os.scandir(folder) as listed:
        names = [entry.name for entry in islice(listed, MOST_SEEN + 1)]
    if len(names) > MOST_SEEN:
        raise BadParameter(f"{above[:80] or 'The folder'} holds more than {MOST_SEEN} files.", field="path")
    return sorted(name for name in names if _is_told(name))


def _opened(folder: int, name: str, path: str) -> tuple[int, bool] | None:
    """Return a file's or folder's descriptor, and whether it is a folder; None: it is a link, a pipe, or gone."""
    try:
        seen = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
        if not (stat.S_ISDIR(seen) or stat.S_ISREG(seen)):
            return None
        descriptor = os.open(name, FOLDER if stat.S_ISDIR(seen) else _FILE, dir_fd=folder)
    except OSError as error:
        if error.errno in _SWAPPED:
            return None
        raise BadParameter(f"{path[:200]} cannot be read ({error.strerror}).", field="path") from None
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISDIR(mode) or stat.S_ISREG(mode):
        return descriptor, stat.S_ISDIR(mode)
    os.close(descriptor)
    return None


def _is_told(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return is_plain(name)
