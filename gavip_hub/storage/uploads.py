"""Files on their way into users' spaces: kept apart until they are whole, then put in their place at one stroke."""

import fcntl
import hashlib
import json
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

from gavip_hub.exceptions import Conflict, NotFound
from gavip_hub.storage.beneath import check_part, opened_folder
from gavip_hub.storage.marks import WriteMarks
from gavip_hub.storage.renaming import put_free
from gavip_hub.storage.userfiles import Found, digest_of, found_of
from gavip_hub.trees import FOLDER, is_folder

KEPT_SECONDS = 24 * 3600.0
"""After the last piece of one that nobody finished."""
_DESCRIBED, _DATA = ".json", ".part"
_DONE = ".done"
"""Tells for a day that a file came whole, to whom the answer was lost; it holds the file's size.

It is written just before the file moves to its place: with it, content that is gone has moved, and content that is there is to.
"""


@dataclass(frozen=True, kw_only=True)
class Upload:
    """A file that is to come."""

    id: str
    parts: tuple[str, ...]
    """Where it is to lie in the space."""
    size: int
    sha256: str = ""
    """Of the content, where whoever sends it knows."""
    replaces: bool = True
    """Whether it takes the place of a file that lies there; else it gets another name."""


def upload_of(
    *, owner: str, parts: Sequence[str], size: int, sha256: str = "", mark: str = "", replaces: bool = True
) -> Upload:
    """Return an upload; the same file to the same place is the same upload, so that it goes on after a break.

    Parameters
    ----------
    mark
        What tells a file from another of its size where no digest is known, as the time of its last change.
    """
    told = json.dumps([owner, list(parts), size, sha256, *([mark] if mark else [])])
    made = hashlib.sha256(told.encode()).hexdigest()[:32]
    return Upload(id=made, parts=tuple(parts), size=size, sha256=sha256, replaces=replaces)


class Uploads:
    """The folder of what has not come whole: the platform's own, out of every box's reach.

    Parameters
    ----------
    root
        The data root.
    """

    def __init__(self, *, root: Path) -> None:
        self._root = root
        self._folder = root / "uploads"
        self._written: set[str] = set()
        self._marks = WriteMarks(root=root)

    def begun(self, owner: str) -> dict[str, Upload]:
        """Return what somebody has begun, by its id."""
        found = {}
        for path in self._of(owner).glob(f"*{_DESCRIBED}"):
            if path.with_suffix(_DONE).exists() and not path.with_suffix(_DATA).exists():
                continue  # it is in its place, and the process was killed before it forgot it
            with suppress(OSError, ValueError, TypeError):
                told = json.loads(path.read_text())
                found[path.stem] = Upload(**{**told, "parts": tuple(told["parts"])})
        return found

    def come(self, owner: str, name: str) -> tuple[int, int]:
        """Return how much of an upload has come, and its size.

        Raises
        ------
        NotFound
            There is none, or it is somebody else's.
        """
        with suppress(FileNotFoundError, ValueError):
            size = int(self._data(owner, name).with_suffix(_DONE).read_text())
            return size, size
        wanted = self.get(owner, name)
        try:
            return self._data(owner, name).stat().st_size, wanted.size
        except FileNotFoundError:
            return 0, wanted.size

    def begin(self, owner: str, upload: Upload) -> int:
        """Make room for an upload and return how much of it has come."""
        folder = self._of(owner)
        self._folder.mkdir(exist_ok=True, mode=0o700)
        folder.mkdir(exist_ok=True, mode=0o700)
        (folder / f"{upload.id}{_DONE}").unlink(missing_ok=True)
        partial = folder / f"{upload.id}.{os.getpid()}"
        partial.write_text(json.dumps(asdict(upload)))
        partial.replace(folder / f"{upload.id}{_DESCRIBED}")
        with self._opened(owner, upload.id, make=True) as file:
            return file.seek(0, os.SEEK_END)

    def get(self, owner: str, name: str) -> Upload:
        """Return an upload.

        Raises
        ------
        NotFound
            There is none, or it is somebody else's.
        """
        found = self.begun(owner).get(check_part(name))
        if found is None:
            raise NotFound(
                "Nothing of yours comes under this name: it is finished, or was given up; begin it again."
            )
        return found

    def append(self, owner: str, upload: Upload, *, offset: int, content: bytes) -> int:
        """Add a piece and return how much has come.

        Raises
        ------
        Conflict
            It does not follow what has come, or is more than was announced.
        """
        with self._opened(owner, upload.id) as file:
            come = file.seek(0, os.SEEK_END)
            if come != offset:
                raise Conflict(
                    f"{come} bytes have come, and this piece begins at {offset}: go on from {come}."
                )
            if come + len(content) > upload.size:
                raise Conflict(f"The file was announced with {upload.size} bytes; this would be more.")
            file.write(content)
            return come + len(content)

    def finish(self, owner: str, upload: Upload) -> tuple[tuple[str, ...], Found]:
        """Put a file that has come whole in its place, and return where that is.

        Raises
        ------
        Conflict
            Bytes are missing, or they are not those that were announced; the latter are thrown away.
        """
        with self._opened(owner, upload.id) as file:
            come = file.seek(0, os.SEEK_END)
            if come != upload.size:
                raise Conflict(f"{come} of {upload.size} bytes have come: send the rest.")
            if upload.sha256 and digest_of(file) != upload.sha256:
                self.abandon(owner, upload.id)
                raise Conflict(
                    "What came is not what was announced, by its SHA-256: send it again from the start."
                )
            os.fsync(file.fileno())
            done = self._data(owner, upload.id).with_suffix(_DONE)
            done.write_text(str(upload.size))
            try:
                found = self._put(owner, upload, file)
            except BaseException:
                done.unlink()
                raise
        self.abandon(owner, upload.id)
        return (*upload.parts[:-1], found.name), found

    def abandon(self, owner: str, name: str) -> None:
        """Forget an upload; no harm where there is none."""
        for path in (self._data(owner, name), self._data(owner, name).with_suffix(_DESCRIBED)):
            path.unlink(missing_ok=True)

    def remove_old(self) -> None:
        """Forget what nobody went on with for a day."""
        for path in self._folder.glob("*/*"):
            with suppress(OSError):  # gone since it was seen
                touched = max(one.stat().st_mtime for one in path.parent.glob(f"{path.stem}.*"))
                if touched < time.time() - KEPT_SECONDS:
                    path.unlink()

    def who_wrote(self) -> set[str]:
        """Return who finished a file since this was asked last."""
        found, self._written = self._written, set()
        return found | self._marks.take()

    def _put(self, owner: str, upload: Upload, file: BinaryIO) -> Found:
        *folders, name = upload.parts
        with (
            opened_folder(self._root, ["users"], make=True, mode=0o711) as users,
            way(users, [check_part(owner), *folders]) as (folder, whose),
        ):
            if upload.replaces and is_folder(folder, name):
                raise Conflict(f"{'/'.join(upload.parts)} is a folder: name a file in it.")
            give(file.fileno(), whose)
            os.fchmod(file.fileno(), 0o644)  # the closed folder of its owner keeps others out
            if upload.replaces:
                os.rename(self._data(owner, upload.id), name, dst_dir_fd=folder)
            else:
                name = self._put_free(owner, upload, folder)
            os.fsync(folder)
        self._written.add(owner)
        return found_of(name, os.fstat(file.fileno()))

    def _put_free(self, owner: str, upload: Upload, folder: int) -> str:
        with opened_folder(self._folder, [owner]) as here:
            return put_free(here, self._data(owner, upload.id).name, folder, upload.parts[-1])

    @contextmanager
    def _opened(self, owner: str, name: str, *, make: bool = False) -> Iterator[BinaryIO]:
        """Open what has come of a file, for one request alone.

        Raises
        ------
        Conflict
            Another request writes it at this moment.
        """
        flags = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | (os.O_CREAT if make else 0)
        try:
            descriptor = os.open(self._data(owner, name), flags, 0o600)
        except FileNotFoundError:
            raise NotFound("Nothing of yours comes under this name; begin it again.") from None
        with os.fdopen(descriptor, "r+b") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Conflict("This file is being written by another request at this moment.") from None
            yield file

    def _of(self, owner: str) -> Path:
        return self._folder / check_part(owner)

    def _data(self, owner: str, name: str) -> Path:
        return self._of(owner) / f"{check_part(name)}{_DATA}"


@contextmanager
def way(users: int, parts: Sequence[str]) -> Iterator[tuple[int, os.stat_result]]:
    """Give a folder below `users`, and whose the space is; what is missing is made and given to them."""
    current = os.dup(users)
    whose: os.stat_result | None = None
    try:
        for part in parts:
            deeper = _step(current, check_part(part), whose)
            os.close(current)
            current = deeper
            whose = whose or os.fstat(current)
        yield current, whose or os.fstat(current)
    finally:
        os.close(current)


def _step(folder: int, name: str, whose: os.stat_result | None) -> int:
    """Go one folder down, never through a link; make it where it is missing."""
    try:
        os.mkdir(name, 0o700, dir_fd=folder)
        made = True
    except FileExistsError:
        made = False
    try:
        deeper = os.open(name, FOLDER, dir_fd=folder)
    except OSError as error:
        raise Conflict(f"{name} must be a folder ({error.strerror}): remove what lies there.") from error
    if made and whose is not None:
        give(deeper, whose)
    return deeper


def give(descriptor: int, whose: os.stat_result) -> None:
    """Give what was made to the owner of the space, where people have numbers of their own."""
    if os.geteuid() == 0 and whose.st_uid != os.fstat(descriptor).st_uid:
        os.fchown(descriptor, whose.st_uid, whose.st_gid)
