"""Files on their way into users' spaces: kept apart until they are whole, then put in their place at one stroke."""

import fcntl
import hashlib
import json
import math
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

from gavip_hub.exceptions import Conflict, GavipError, NotFound
from gavip_hub.storage.beneath import check_part, opened_folder
from gavip_hub.storage.marks import WriteMarks
from gavip_hub.storage.renaming import put_free
from gavip_hub.storage.userfiles import Found, digest_of, found_of
from gavip_hub.trees import FOLDER, is_folder

KEPT_SECONDS = 24 * 3600.0
"""After the last piece of one that nobody finished."""
PATIENCE_SECONDS = 2.0
"""For a piece that is being written while its upload is given up: it comes whole before the file is opened for it."""
_STEP_SECONDS = 0.02
_LOOKED_AFTER_SECONDS = 60.0
_DESCRIBED, _DATA = ".json", ".part"
_GONE = "Nothing of yours comes under this name: it is finished, or was given up; begin it again."
_BUSY = "This file is being written by another request at this moment: try again in a moment."
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


@dataclass(frozen=True, kw_only=True)
class Unfinished:
    """A file that is to come, and how far it is."""

    upload: Upload
    come: int
    touched: float
    """When it was last added to, or begun again; seconds since 1970."""


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
        self._looked_after = -math.inf
        self._marks = WriteMarks(root=root)

    def begun(self, owner: str) -> dict[str, Upload]:
        """Return what somebody has begun, by its id."""
        found = {}
        for path in self._of(owner).glob(f"*{_DESCRIBED}"):
            if path.with_suffix(_DONE).exists() and not path.with_suffix(_DATA).exists():
                continue  # it is in its place, and the process was killed before it forgot it
            with suppress(OSError, ValueError, TypeError):
                if _is_old(_touched(path)):
                    continue
                told = json.loads(path.read_text())
                found[path.stem] = Upload(**{**told, "parts": tuple(told["parts"])})
        return found

    def unfinished(self, owner: str) -> list[Unfinished]:
        """Return what somebody has begun and how far each is, the last touched first."""
        found = []
        for upload in self.begun(owner).values():
            data = self._data(owner, upload.id)
            with suppress(FileNotFoundError):  # finished or given up since it was seen
                touched = _touched(data.with_suffix(_DESCRIBED))
                come = data.stat().st_size if data.exists() else 0
                found.append(Unfinished(upload=upload, come=come, touched=touched))
        return sorted(found, key=lambda one: one.touched, reverse=True)

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
        with self._opened(owner, upload.id, make=True) as file:
            (folder / f"{upload.id}{_DONE}").unlink(missing_ok=True)
            partial = folder / f"{upload.id}.{os.getpid()}"
            partial.write_text(json.dumps(asdict(upload)))
            partial.replace(folder / f"{upload.id}{_DESCRIBED}")
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
            raise NotFound(_GONE)
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
                self._forget(owner, upload.id)
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
            self._data(owner, upload.id).with_suffix(_DESCRIBED).unlink(missing_ok=True)
        return (*upload.parts[:-1], found.name), found

    def abandon(self, owner: str, name: str) -> None:
        """Forget an upload; no harm where there is none.

        Raises
        ------
        Conflict
            It is being put in its place at this moment.
        """
        try:
            with self._opened(owner, name, patience=PATIENCE_SECONDS):
                self._forget(owner, name)
        except NotFound:  # nothing of it had come, or it was finished meanwhile
            self._data(owner, name).with_suffix(_DESCRIBED).unlink(missing_ok=True)

    def remove_old(self) -> None:
        """Forget what nobody went on with for a day; looked after once a minute, however often it is asked."""
        if time.monotonic() - self._looked_after < _LOOKED_AFTER_SECONDS:
            return
        self._looked_after = time.monotonic()
        for folder in self._folder.glob("*"):
            for name in _old_names(folder):
                with suppress(OSError, GavipError):  # it is gone, or written after all
                    self._forget_old(folder.name, name)

    def _forget_old(self, owner: str, name: str) -> None:
        try:
            with self._opened(owner, name):
                if _is_old(_touched(self._data(owner, name).with_suffix(_DESCRIBED))):
                    self._forget(owner, name)
        except NotFound:  # nothing of it had come, or it is in its place
            for path in self._of(owner).glob(f"{name}.*"):
                if path.suffix != _DATA:  # which would be of one that begins at this moment
                    path.unlink(missing_ok=True)

    def _forget(self, owner: str, name: str) -> None:
        """Remove what is kept of an upload, which the caller holds; killed midway it is begun, with less or nothing come."""
        data = self._data(owner, name)
        # A note that it came whole without content would say that it is in its place.
        for path in (data.with_suffix(_DONE), data, data.with_suffix(_DESCRIBED)):
            path.unlink(missing_ok=True)

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
    def _opened(
        self, owner: str, name: str, *, make: bool = False, patience: float = 0.0
    ) -> Iterator[BinaryIO]:
        """Open what has come of a file, for one request alone.

        Parameters
        ----------
        patience
            Seconds for which another request is waited for.

        Raises
        ------
        Conflict
            Another request writes it at this moment.
        """
        path = self._data(owner, name)
        flags = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | (os.O_CREAT if make else 0)
        try:
            descriptor = os.open(path, flags, 0o600)
        except FileNotFoundError:
            raise NotFound(_GONE) from None
        with os.fdopen(descriptor, "r+b") as file:
            _lock(file, patience)
            if not _lies_at(file, path):
                raise Conflict(_BUSY) if make else NotFound(_GONE)
            yield file

    def _of(self, owner: str) -> Path:
        return self._folder / check_part(owner)

    def _data(self, owner: str, name: str) -> Path:
        return self._of(owner) / f"{check_part(name)}{_DATA}"


def _lock(file: BinaryIO, patience: float) -> None:
    until = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until:
                raise Conflict(_BUSY) from None
            time.sleep(_STEP_SECONDS)
        else:
            return


def _lies_at(file: BinaryIO, path: Path) -> bool:
    """Whether a file is still what lies there: between opening and locking it may have gone to its place, or for good."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.lstat())
    except FileNotFoundError:
        return False


def _touched(described: Path) -> float:
    """Return when an upload was begun or added to last."""
    found = []
    for path in (described, described.with_suffix(_DATA)):
        with suppress(FileNotFoundError):
            found.append(path.stat().st_mtime)
    if not found:
        raise FileNotFoundError(described)
    return max(found)


def _is_old(touched: float) -> bool:
    return touched < time.time() - KEPT_SECONDS


def _old_names(folder: Path) -> list[str]:
    """Return the uploads of one person of which nothing was touched for a day."""
    touched: dict[str, float] = {}
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            name = entry.name.partition(".")[0]
            with suppress(FileNotFoundError):  # gone since it was seen
                touched[name] = max(touched.get(name, 0.0), entry.stat(follow_symlinks=False).st_mtime)
    return [name for name, at in touched.items() if _is_old(at)]


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
