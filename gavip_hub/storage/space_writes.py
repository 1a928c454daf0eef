"""Users' spaces as a file manager changes them: beneath the space, whole or not at all, and never through a link."""

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from gavip_hub.exceptions import Conflict, NotFound, Unavailable
from gavip_hub.storage.aside import Aside
from gavip_hub.storage.beneath import check_part, opened_folder
from gavip_hub.storage.bin import Bin
from gavip_hub.storage.file_moves import Copying, Counts, FileMoves
from gavip_hub.storage.ids import new_id
from gavip_hub.storage.renaming import rename_new
from gavip_hub.storage.uploads import give, way
from gavip_hub.storage.userfiles import Found, found_of
from gavip_hub.trees import FOLDER

_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_OLD = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(frozen=True, kw_only=True)
class Incoming:
    """A file that has not come whole."""

    folder: int
    name: str
    """In the open folder of what is on its way."""
    file: BinaryIO
    counts: Counts
    left: ExitStack
    """Removes it, where it has not moved on."""

    def write(self, content: bytes) -> None:
        """Add a piece."""
        self.counts(len(content))
        _write_all(self.file.fileno(), content)

    def forget(self) -> None:
        """Remove what came, unless it is in its place."""
        self.file.close()
        self.left.close()


class SpaceWriter:
    """What changes files and folders of users' spaces.

    Parameters
    ----------
    root
        The data root.
    moves
        Fills copies.
    bin_
        Where what is removed goes, and what gives way to something else.
    """

    def __init__(
        self, *, root: Path, moves: FileMoves, aside: Aside, bin_: Bin, now: Callable[[], datetime]
    ) -> None:
        self._root = root
        self._moves = moves
        self._aside = aside
        self._bin = bin_
        self._now = now

    def begin(self, counts: Counts) -> Incoming:
        """Make room for a file, out of every box's reach."""
        with ExitStack() as left:
            folder, name = left.enter_context(self._aside.place())
            file = os.fdopen(os.open(name, _NEW, 0o600, dir_fd=folder), "w+b", 0)
            return Incoming(folder=folder, name=name, file=file, counts=counts, left=left.pop_all())

    def put(
        self,
        owner: str,
        parts: Sequence[str],
        incoming: Incoming,
        *,
        is_new: bool = False,
        instead_of: str = "",
        modified: int | None = None,
    ) -> Found:
        """Put a file that has come whole in its place at one stroke.

        Parameters
        ----------
        is_new
            Whether nothing may lie there.
        instead_of
            The file's ETag that is replaced, where no other may be.
        modified
            When it was changed last where it comes from, where that is known.

        Raises
        ------
        Conflict
            A folder lies there, or what is not to be replaced.
        """
        with self._parent(owner, parts) as (folder, name, whose):
            before = _status(folder, name)
            if before and stat.S_ISDIR(before.st_mode):
                raise Conflict(f"{name} is a folder: name a file in it.")
            if instead_of and (before is None or found_of(name, before).etag != instead_of):
                raise Conflict(f"{name} was changed meanwhile: read it again, and write then.")
            give(incoming.file.fileno(), whose)
            os.fchmod(incoming.file.fileno(), _mode_of(before))
            if modified is not None:
                os.utime(incoming.file.fileno(), (modified, modified))
            os.fsync(incoming.file.fileno())
            if is_new:
                rename_new(incoming.folder, incoming.name, folder, name)
            else:
                os.rename(incoming.name, name, src_dir_fd=incoming.folder, dst_dir_fd=folder)
            os.fsync(folder)
            return found_of(name, os.fstat(incoming.file.fileno()))

    def make_folder(self, owner: str, parts: Sequence[str]) -> None:
        """Make one folder.

        Raises
        ------
        Conflict
            Something lies there.
        """
        with self._parent(owner, parts) as (folder, name, whose):
            try:
                os.mkdir(name, 0o700, dir_fd=folder)
            except FileExistsError:
                raise Conflict(f"{name} exists already.") from None
            with _opened(folder, name) as made:
                give(made, whose)

    def move(self, owner: str, source: Sequence[str], target: Sequence[str], *, instead: bool) -> None:
        """Move a file or folder, with all that is in it.

        Parameters
        ----------
        instead
            Whether what lies at the target goes to the bin for it.

        Raises
        ------
        Conflict
            Something lies there that is not to be given up.
        """
        _require_apart(source, target)
        with (
            self._parent(owner, source) as (here, name, _),
            self._parent(owner, target) as (there, new, _),
        ):
            _require_shown(here, name)
            self._place(owner, (here, name), (there, new), target, instead=instead)

    def copy(
        self,
        owner: str,
        source: Sequence[str],
        target: Sequence[str],
        *,
        instead: bool,
        counts: Counts,
        members: bool = True,
    ) -> None:
        """Copy a file or folder without what is hidden in it, and put the copy in its place when it is whole.

        Parameters
        ----------
        members
            Whether what lies in a folder is copied along.
        """
        _require_apart(source, target)
        with (
            self._parent(owner, target) as (there, new, whose),
            self._aside.place() as aside,
        ):
            copying = Copying(whose=whose, counts=counts)
            self._moves.fill(owner, source, copying, aside, members=members)
            self._place(owner, aside, (there, new), target, instead=instead)

    def remove(self, owner: str, parts: Sequence[str]) -> None:
        """Move a file, or a folder with all that is in it, to its owner's bin."""
        name, now = self._binned()
        self._bin.put(owner, parts, name=name, at=now)

    def set_modified(self, owner: str, parts: Sequence[str], seconds: float) -> None:
        """Set when a file or folder was changed last."""
        with self._parent(owner, parts) as (folder, name, _):
            _require_shown(folder, name)
            descriptor = os.open(name, _OLD, dir_fd=folder)
            try:
                os.utime(descriptor, (seconds, seconds))
            finally:
                os.close(descriptor)

    def _place(
        self,
        owner: str,
        source: tuple[int, str],
        target: tuple[int, str],
        parts: Sequence[str],
        *,
        instead: bool,
    ) -> None:
        """Move what lies at one place to another that is free, or is to be."""
        (here, name), (there, new) = source, target
        try:
            rename_new(here, name, there, new)
        except FileExistsError:
            if not instead:
                raise Conflict(f"{new} exists already.") from None
            if not _is_shown(there, new):
                raise Conflict(f"{new} is the name of a link, which is not shown: choose another.") from None
            binned, now = self._binned()
            self._bin.replace(owner, parts, source, name=binned, at=now)
        os.fsync(there)

    def _binned(self) -> tuple[str, datetime]:
        """Return a new name in a bin, and the moment that it is of."""
        now = self._now()
        return f"{new_id('d', now=now)}-000", now

    @contextmanager
    def _parent(self, owner: str, parts: Sequence[str]) -> Iterator[tuple[int, str, os.stat_result]]:
        """Give the folder of a path, the name in it, and whose the space is."""
        *folders, name = parts
        with opened_folder(self._root, ["users"], make=True, mode=0o711) as users:
            with way(users, [check_part(owner)]) as (_, whose):
                pass  # who writes before anything of theirs ran has a space from now on
            with ExitStack() as opened:
                try:
                    below = opened_folder(self._root / "users", [owner, *folders])
                    folder = opened.enter_context(below)
                except Unavailable as error:  # a link or a file is in the way
                    raise NotFound(error.message) from None
                yield folder, check_part(name), whose


@contextmanager
def _opened(folder: int, name: str) -> Iterator[int]:
    descriptor = os.open(name, FOLDER, dir_fd=folder)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _write_all(descriptor: int, content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[os.write(descriptor, left) :]


def _status(folder: int, name: str) -> os.stat_result | None:
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None


def _is_shown(folder: int, name: str) -> bool:
    """Tell whether a true file or folder lies there; links, pipes and devices are not shown."""
    status = _status(folder, name)
    return status is not None and (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode))


def _require_shown(folder: int, name: str) -> None:
    if not _is_shown(folder, name):
        raise NotFound(f"There is no file or folder {name}.")


def _require_apart(source: Sequence[str], target: Sequence[str]) -> None:
    """Refuse to put something into itself, or in the place of a folder that holds it."""
    shorter = min(len(source), len(target))
    if tuple(source[:shorter]) == tuple(target[:shorter]):
        raise Conflict("Nothing is put into itself, or in the place of a folder that holds it.")


def _mode_of(before: os.stat_result | None) -> int:
    """Return the mode of a file: a program stays one; the closed folder of its owner keeps others out."""
    may_run = before is not None and stat.S_ISREG(before.st_mode) and before.st_mode & stat.S_IXUSR
    return 0o755 if may_run else 0o644
