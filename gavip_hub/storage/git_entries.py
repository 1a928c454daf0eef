"""What git tells of a commit's files, and as what it keeps them."""

import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from gavip_hub.exceptions import Unavailable

SUBMODULE = "160000"
_ENTRY = re.compile(rb"(\d{6}) ([a-z]+) ([0-9a-f]{40,64}) +(-|\d+)\t(.+)", re.DOTALL)
_LONGEST_ENTRY = 16_384
"""Bytes; a path is 4,096 long at most."""
_PIECE = 65_536
_SHA256_LETTERS = 64


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One path of a commit's tree."""

    mode: str
    object_id: str
    size: int
    """Bytes; 0 where it is no file."""
    path: str

    @property
    def shown(self) -> str:
        """Return its path as it can be shown: what is no text is replaced."""
        return self.path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")

    @property
    def is_plain(self) -> bool:
        """Whether its path can be a part of an address."""
        return self.shown == self.path and self.path.isprintable()

    @property
    def is_folder(self) -> bool:
        """Whether other paths lie in it."""
        return self.mode == "040000"

    @property
    def is_submodule(self) -> bool:
        """Whether it only names a commit of another repository."""
        return self.mode == SUBMODULE


def entries_of(output: IO[bytes]) -> Iterator[Entry]:
    """Read what `ls-tree` tells."""
    for line in _lines(output):
        found = _ENTRY.fullmatch(line)
        if found is None:
            raise Unavailable("git told of a file in a way that is not understood.")
        mode, _, object_id, size, path = found.groups()
        yield Entry(
            mode=mode.decode(),
            object_id=object_id.decode(),
            size=0 if size == b"-" else int(size),
            path=path.decode("utf-8", "surrogateescape"),
        )


def blob_of(file: str, *, letters: int) -> str:
    """Return the object as which git keeps a file's bytes, without asking it.

    Parameters
    ----------
    file
        Its path, as text: thousands of `Path` take longer to make than the hashing.
    letters
        Of the repository's objects: 40, or 64.
    """
    with open(file, "rb", buffering=0) as content:  # noqa: PTH123 - as above
        digest = _begun(os.fstat(content.fileno()).st_size, letters)
        while piece := content.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()


def blob_of_bytes(content: bytes, *, letters: int) -> str:
    """Return the object as which git keeps these bytes."""
    digest = _begun(len(content), letters)
    digest.update(content)
    return digest.hexdigest()


def _begun(size: int, letters: int) -> "hashlib._Hash":
    digest = hashlib.new("sha256" if letters == _SHA256_LETTERS else "sha1", usedforsecurity=False)
    digest.update(b"blob %d\0" % size)
    return digest


def _lines(output: IO[bytes]) -> Iterator[bytes]:
    """Yield what NUL ends."""
    rest = b""
    while piece := output.read(_PIECE):
        *whole, rest = (rest + piece).split(b"\0")
        yield from whole
        if len(rest) > _LONGEST_ENTRY:
            raise Unavailable("git told of a path that is too long to be one.")
