"""Files of users' spaces, moved and copied from outside: beneath the space, and nothing is written over unasked."""

import errno
import fcntl
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from ctypes import CDLL
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from gavip_hub.exceptions import Conflict, NotFound, Taken, Unavailable
from gavip_hub.storage.aside import Aside
from gavip_hub.storage.beneath import check_part, open_in, opened_folder
from gavip_hub.storage.renaming import rename_new
from gavip_hub.storage.uploads import give, way
from gavip_hub.storage.userfiles import DEEPEST, Found, UserFiles, found_in, is_mostly_holes
from gavip_hub.trees import FOLDER

MOST_COPIED = 50_000
"""Files and folders of one copy."""
Counts = Callable[[int], None]
"""Is told of bytes before they are written, and refuses where there is no room for them."""
_FICLONE = 0x40049409
_PIECE = 1024 * 1024
_libc = CDLL(None)
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW


@dataclass(frozen=True, kw_only=True)
class Copied:
    """What was copied."""

    found: Found
    files: int
    size: int


class FileMoves:
    """Makes folders, moves and copies what lies in users' spaces.

    Parameters
    ----------
    root
        The data root.
    """

    def __init__(self, *, root: Path, files: UserFiles, aside: Aside) -> None:
        self._root = root
        self._files = files
        self._aside = aside
        self._wrote: set[str] = set()

    def make_folder(self, owner: str, parts: Sequence[str]) -> Found:
        """Make a folder, and those above it that are missing.

        Raises
        ------
        Taken
            Something lies there.
        """
        with self.place(owner, parts) as (folder, whose):
            try:
                os.mkdir(parts[-1], 0o700, dir_fd=folder)
            except FileExistsError:
                raise _taken(parts) from None
            made = os.open(parts[-1], FOLDER, dir_fd=folder)
            try:
                give(made, whose)
            finally:
                os.close(made)
            return found_in(folder, parts[-1])

    def move(self, owner: str, source: Sequence[str], target: Sequence[str]) -> Found:
        """Give a file or folder another place.

        Raises
        ------
        NotFound
            There is none.
        Taken
            Something lies there.
        Conflict
            It cannot lie there, as a folder in itself.
        """
        require_apart(source, target)
        with self._files.parent(owner, source) as folder, self.place(owner, target) as (to, _):
            found_in(folder, source[-1])
            with _told(target):
                rename_new(folder, source[-1], to, target[-1])
            return found_in(to, target[-1])

    def copy(self, owner: str, source: Sequence[str], target: Sequence[str], *, room: int) -> Copied:
        """Copy a file or a folder: made aside, and put in its place whole. Hidden files and links stay behind.

        Parameters
        ----------
        room
            Bytes that it may take.

        Raises
        ------
        NotFound
            There is none.
        Taken
            Something lies there.
        Conflict
            It grew while it was copied, or is mostly holes.
        """
        require_apart(source, target)
        try:
            with self.place(owner, target) as (to, whose), self._aside.place() as (aside, name):
                copy = Copying(whose=whose, counts=_within(room))
                self.fill(owner, source, copy, (aside, name))
                with _told(target):
                    rename_new(aside, name, to, target[-1])
                return Copied(found=found_in(to, target[-1]), files=copy.files, size=copy.size)
        finally:
            self.note(owner)  # whatever came of it

    @contextmanager
    def place(self, owner: str, parts: Sequence[str]) -> Iterator[tuple[int, os.stat_result]]:
        """Give the open folder in which something is to lie, made where it is missing, and whose the space is."""
        with (
            opened_folder(self._root, ["users"], make=True, mode=0o711) as users,
            way(users, [check_part(owner), *parts[:-1]]) as place,
        ):
            yield place

    def note(self, owner: str) -> None:
        """Have somebody's space measured again."""
        self._wrote.add(owner)

    def who_wrote(self) -> set[str]:
        """Return whose space holds more or less than before, since this was asked last."""
        found, self._wrote = self._wrote, set()
        return found

    def fill(
        self,
        owner: str,
        source: Sequence[str],
        copy: "Copying",
        target: tuple[int, str],
        *,
        members: bool = True,
    ) -> None:
        """Copy a file, or a folder with what is shown in it, to a new name in an open folder; the disk holds it then.

        Parameters
        ----------
        members
            Whether what lies in a folder is copied along.
        """
        with self._files.parent(owner, source) as folder:
            is_folder = found_in(folder, source[-1]).is_folder
            if not is_folder:
                copy.add(folder, source[-1], *target)
        if is_folder:
            copy.make(*target)
            if members:
                self._fill_folder(owner, source, copy, target)
        _sync(target[0])

    def _fill_folder(
        self, owner: str, source: Sequence[str], copy: "Copying", target: tuple[int, str]
    ) -> None:
        folder, name = target
        for step in self._files.below(owner, source):
            if step.found.is_folder and len(step.parts) >= DEEPEST:  # what is in it is not walked to
                raise Conflict(
                    f"Folders lie in one another more than {DEEPEST} deep in it: pack it, and copy that."
                )
            with opened_from(folder, [name, *step.parts[:-1]]) as here:
                if step.found.is_folder:
                    copy.make(here, step.parts[-1])
                else:
                    with suppress(NotFound):  # gone since it was seen
                        copy.add(step.folder, step.parts[-1], here, step.parts[-1])


class Copying:
    """A copy that is being made.

    Parameters
    ----------
    whose
        The space that it lies in.
    """

    def __init__(self, *, whose: os.stat_result, counts: Counts) -> None:
        self._whose = whose
        self._counts = counts
        self._made = 0
        self.files = 0
        self.size = 0

    def make(self, folder: int, name: str) -> None:
        """Make a folder."""
        self._count(0)
        os.mkdir(name, 0o700, dir_fd=folder)
        made = os.open(name, FOLDER, dir_fd=folder)
        try:
            give(made, self._whose)
        finally:
            os.close(made)

    def add(self, source: int, name: str, folder: int, new_name: str) -> None:
        """Copy a file's content, as much as it has at this moment."""
        with open_in(source, name) as file:
            status = os.fstat(file.fileno())
            if is_mostly_holes(file):
                raise Conflict(f"{name} is mostly holes: pack it, and copy that.")
            self._count(status.st_size)
            mode = 0o755 if status.st_mode & stat.S_IXUSR else 0o644
            with os.fdopen(os.open(new_name, _NEW, 0o600, dir_fd=folder), "wb") as made:
                _copy_content(file, made, status.st_size)
                os.fchmod(made.fileno(), mode)
                give(made.fileno(), self._whose)
        self.files += 1

    def _count(self, size: int) -> None:
        self._made += 1
        self.size += size
        if self._made > MOST_COPIED:
            raise Conflict(
                f"It holds more than {MOST_COPIED} files and folders: copy its folders one by one."
            )
        self._counts(size)


def _within(room: int) -> Counts:
    """Return what refuses more bytes than these."""
    left = room

    def counts(size: int) -> None:
        nonlocal left
        left -= size
        if left < 0:
            raise Conflict("It grew while it was copied: wait until nothing writes there, and copy it again.")

    return counts


def require_apart(source: Sequence[str], target: Sequence[str]) -> None:
    """Refuse a place within the thing itself.

    Raises
    ------
    Conflict
        Naming both.
    """
    if list(target[: len(source)]) == list(source):
        raise Conflict(f"{'/'.join(target)} lies in {'/'.join(source)} itself: choose a place outside of it.")


@contextmanager
def opened_from(folder: int, parts: Sequence[str]) -> Iterator[int]:
    """Give a descriptor of a folder below one that is open, never through a link."""
    current = os.dup(folder)
    try:
        for part in parts:
            deeper = os.open(check_part(part), FOLDER, dir_fd=current)
            os.close(current)
            current = deeper
        yield current
    finally:
        os.close(current)


def _copy_content(source: BinaryIO, target: BinaryIO, size: int) -> None:
    """Have both files share their content where the file system can; else copy it piece by piece."""
    with suppress(OSError):
        fcntl.ioctl(target.fileno(), _FICLONE, source.fileno())
        os.ftruncate(target.fileno(), size)  # it may have grown since it was counted
        return
    left = size
    while left > 0 and (piece := source.read(min(_PIECE, left))):
        target.write(piece)
        left -= len(piece)
    target.flush()


def _sync(folder: int) -> None:
    """Have the disk hold what was written, before it is put in its place."""
    _libc.syncfs(folder)  # Python has none of its own


@contextmanager
def _told(target: Sequence[str]) -> Iterator[None]:
    """Say in words why a thing cannot lie somewhere."""
    try:
        yield
    except FileExistsError:
        raise _taken(target) from None
    except FileNotFoundError:
        raise NotFound("It is not there any more.") from None
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        if error.errno == errno.EXDEV:
            raise Unavailable("The user-spaces lie on several file systems; ask the operator.") from error
        raise Conflict(f"It cannot be put at {'/'.join(target)}: {error.strerror}.") from error


def _taken(parts: Sequence[str]) -> Taken:
    return Taken(f"{'/'.join(parts)} is there already: choose another name, or move that away first.")
