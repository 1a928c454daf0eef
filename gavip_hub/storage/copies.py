"""Copies of strangers' trees, out of a folder that may change meanwhile or out of a commit: plain files, and not too many."""

import errno
import hashlib
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from avi_kernel.protocol.layout import NO_PART_OF_AN_AVI
from gavip_hub.exceptions import BadManifest
from gavip_hub.storage.git import Git
from gavip_hub.storage.git_entries import Entry, blob_of_bytes

MB = 1024 * 1024
LARGEST_TREE = 256 * MB
MOST_FILES = 5000
MOST_SEEN = 4 * MOST_FILES
"""With those that are left out: there may be no end of them."""
DEEPEST = 40
_COPY = 1024 * 1024
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
_ODD = (errno.EEXIST, errno.EISDIR, errno.ENOTDIR, errno.ENAMETOOLONG)
_LINK = "120000"
_PLAIN = {"100644": False, "100755": True, "100664": False}
"""Modes of git -> whether the file may be executed."""
NOTHING_KNOWN: Mapping[str, Entry] = {}


@dataclass(frozen=True, kw_only=True)
class Tree:
    """A copy of a tree that belongs to the platform alone."""

    folder: Path
    files: dict[str, bool]
    """Path -> whether it may be executed."""
    digest: str
    """SHA-256 of all paths and contents, wherever it was copied from."""
    known: Mapping[str, str] = field(default_factory=dict)
    """Path -> git's object of each file that was known before, and is not in the folder."""


class _Filling:
    """A copy that is being made."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[str, bool] = {}
        self._known: dict[str, str] = {}
        self._made_folders: set[str] = set()
        self._digest = hashlib.sha256()
        self._room = LARGEST_TREE

    def add(self, path: str, content: Iterable[bytes], *, executable: bool) -> None:
        """Write one file.

        Raises
        ------
        BadManifest
            There are too many, or they are too large together.
        """
        digest = hashlib.sha256()
        with self._made(path, 0o755 if executable else 0o644) as copy:
            for block in content:
                self._take(len(block))
                digest.update(block)
                copy.write(block)
        self._note(path, digest.hexdigest(), executable=executable)

    def leave(self, path: str, content: bytes, blob: str, *, executable: bool) -> None:
        """Take note of a file that git has already, as this object."""
        self._take(len(content))
        self._known[path] = blob
        self._note(path, hashlib.sha256(content).hexdigest(), executable=executable)

    def _take(self, size: int) -> None:
        self._room -= size
        if self._room < 0:
            raise BadManifest(f"The folder is larger than {LARGEST_TREE // MB} MB; leave data out of it.")

    def _note(self, path: str, digest: str, *, executable: bool) -> None:
        require_few(len(self._files) + 1)
        self._files[path] = executable
        self._digest.update(f"{path}\0{int(executable)}\0{digest}\n".encode())

    def _made(self, path: str, mode: int) -> BinaryIO:
        target, folder = f"{self._folder}/{path}", path.rpartition("/")[0]
        try:
            if folder not in self._made_folders:
                (self._folder / folder).mkdir(parents=True, exist_ok=True)
                self._made_folders.add(folder)
            return os.fdopen(os.open(target, _NEW, mode), "wb")
        except OSError as error:
            if error.errno not in _ODD:
                raise
            raise BadManifest(f"{path[:200]}: give this file a name that is shorter, and its own.") from None

    def tree(self) -> Tree:
        """Return the copy."""
        return Tree(
            folder=self._folder, files=self._files, digest=self._digest.hexdigest(), known=self._known
        )


def copied(source: int, target: Path, known: Mapping[str, Entry] = NOTHING_KNOWN) -> Tree:
    """Copy what a folder's descriptor leads to, file by file, each opened beneath its folder.

    Parameters
    ----------
    known
        Small files that are as they are there are left out, each read once like the others.
    """
    filling = _Filling(target)
    for path, folder in _walk(source):
        with _opened(folder, path) as source_file:
            executable = bool(os.fstat(source_file.fileno()).st_mode & stat.S_IXUSR)
            first = source_file.read(_COPY)
            if path in known and len(first) < _COPY and _is(first, known[path], executable=executable):
                filling.leave(path, first, known[path].object_id, executable=executable)
            else:
                filling.add(path, chain([first], _blocks(source_file)), executable=executable)
    return filling.tree()


def taken_out(git: Git, commit: str, target: Path) -> Tree:
    """Copy the files of a commit; what git knows besides files is refused in words."""
    filling = _Filling(target)
    entries: list[Entry] = []
    for seen, entry in enumerate(git.entries(commit), start=1):
        if seen > MOST_SEEN:
            raise BadManifest(
                f"More than {MOST_SEEN} files, with those of tools: leave {entry.path[:100]!r} and its like out."
            )
        if NO_PART_OF_AN_AVI.isdisjoint(entry.path.split("/")):
            _require_plain(entry)
            entries.append(entry)
            require_few(len(entries))
    for entry, content in git.contents(sorted(entries, key=_place)):
        filling.add(entry.path, content, executable=_PLAIN[entry.mode])
    return filling.tree()


def _is(content: bytes, entry: Entry, *, executable: bool) -> bool:
    """Tell whether this is what git has."""
    same_kind = _PLAIN.get(entry.mode) is executable and len(content) == entry.size
    return same_kind and blob_of_bytes(content, letters=len(entry.object_id)) == entry.object_id


def require_few(files: int) -> None:
    """Refuse a tree of too many files."""
    if files > MOST_FILES:
        raise BadManifest(
            f"The folder has more than {MOST_FILES} files; leave out what is not needed to run."
        )


def _place(entry: Entry) -> list[tuple[bool, str]]:
    """Return a file's place in the order of a walk: a folder's files, then its folders."""
    *folders, name = entry.path.split("/")
    return [*((True, folder) for folder in folders), (False, name)]


def _require_plain(entry: Entry) -> None:
    path = entry.shown
    if entry.mode == _LINK:
        raise BadManifest(f"{path[:200]}: is a link; put the file itself there.")
    if entry.is_submodule:
        raise BadManifest(f"{path[:200]}: is a submodule; put its files themselves there.")
    if entry.mode not in _PLAIN:
        raise BadManifest(f"{path[:200]}: is not a file.")
    _require_sound(path, is_text=path == entry.path)


def _require_sound(path: str, *, is_text: bool) -> None:
    parts = path.split("/")
    if not is_text or not path.isprintable():
        raise BadManifest(f"{path[:100]!r}: give this file a name without control characters.")
    if len(parts) > DEEPEST:
        raise BadManifest(f"{path[:100]}…: folders lie in one another more than {DEEPEST} deep.")
    # Git itself refuses such trees when they are pushed; nothing is written anywhere on its word alone.
    if any(part in {"", ".", ".."} for part in parts):
        raise BadManifest(f"{path[:100]!r}: leads out of the folder.")


def _walk(source: int) -> Iterator[tuple[str, int]]:
    """Yield each file's path and the descriptor of its folder, in a fixed order."""
    seen = 0
    for top, folders, names, here in os.fwalk(".", dir_fd=source, follow_symlinks=False):
        # The walk calls itself for each level, and a thousand are more than Python has.
        if top.count("/") > DEEPEST:
            raise BadManifest(f"{top[2:100]}…: folders lie in one another more than {DEEPEST} deep.")
        seen += len(folders) + len(names)
        if seen > MOST_SEEN:
            raise BadManifest(f"More than {MOST_SEEN} files and folders: leave {top[2:100] or 'some'} out.")
        # A link to a folder is listed among the folders, and would be left out without a word.
        links = [name for name in folders if stat.S_ISLNK(os.lstat(name, dir_fd=here).st_mode)]
        folders[:] = sorted(name for name in folders if name not in NO_PART_OF_AN_AVI and name not in links)
        for name in sorted([*names, *links]):
            path = os.path.normpath(f"{top}/{name}")
            if name in NO_PART_OF_AN_AVI:
                continue
            if not path.isprintable():
                raise BadManifest(f"{path[:100]!r}: give this file a name without control characters.")
            yield path, here


@contextmanager
def _opened(folder: int, path: str) -> Iterator[BinaryIO]:
    """Open a file of a folder, where it is one, and no link to another."""
    try:
        descriptor = os.open(os.path.basename(path), _FILE, dir_fd=folder)  # noqa: PTH119 - text, not a path here
    except OSError:
        raise BadManifest(f"{path}: is a link or cannot be read; put the file itself there.") from None
    with os.fdopen(descriptor, "rb") as source:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise BadManifest(f"{path}: is not a file.")
        yield source


def _blocks(source: BinaryIO) -> Iterator[bytes]:
    while block := source.read(_COPY):
        yield block
