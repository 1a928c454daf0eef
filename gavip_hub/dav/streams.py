"""What the WebDAV library writes to and reads from: whole, or broken off."""

import hashlib
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import BinaryIO

from gavip_hub.dav.refusals import Environ, Refused, plainly
from gavip_hub.storage.space_writes import Incoming

_CHECKSUMS = frozenset({"md5", "sha1", "sha256"})
_LONGEST_TIME = 12
"""Digits of seconds since 1970, which a file system still keeps."""


class Checksum:
    """What a client says that it sends, in the header of ownCloud that rclone sends as well."""

    def __init__(self, kind: str, told: str) -> None:
        self._digest = hashlib.new(kind, usedforsecurity=False)
        self._told = told

    @classmethod
    def of(cls, environ: Environ) -> "Checksum | None":
        """Return what a request says; None where it says nothing that we know."""
        kind, _, told = environ.get("HTTP_OC_CHECKSUM", "").partition(":")
        return cls(kind.lower(), told.strip().lower()) if kind.lower() in _CHECKSUMS else None

    def add(self, content: bytes) -> None:
        """Count a piece."""
        self._digest.update(content)

    def require_met(self) -> None:
        """Refuse what is not what was announced."""
        if self._digest.hexdigest() != self._told:
            raise Refused(
                HTTPStatus.BAD_REQUEST, "What came is not what was announced, by its checksum: send it again."
            )


class Piece:
    """What the library writes to."""

    def __init__(self, incoming: Incoming, finish: Callable[[], None], checksum: Checksum | None) -> None:
        self._incoming = incoming
        self._finish = finish
        self._checksum = checksum

    @plainly
    def writelines(self, pieces: Iterator[bytes]) -> None:
        """Write what comes."""
        for piece in pieces:
            self._incoming.write(piece)
            if self._checksum:
                self._checksum.add(piece)

    def close(self) -> None:
        """Put it in its place."""
        if self._checksum:
            self._checksum.require_met()
        self._finish()


class Content:
    """What the library reads: as long as was announced, or broken off, so that nobody takes a part for the whole."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._left = size

    def seek(self, offset: int) -> None:
        """Go on from there."""
        self._file.seek(offset)
        self._left -= offset

    def read(self, size: int) -> bytes:
        """Return the next bytes."""
        content = self._file.read(min(size, self._left))
        self._left -= len(content)
        if not content and self._left > 0:
            raise ConnectionError("the file became shorter while it was read")
        return content

    def close(self) -> None:
        """End."""
        self._file.close()


def modified(environ: Environ) -> int | None:
    """Return when the file was changed where it comes from, as some clients say."""
    told = environ.get("HTTP_X_OC_MTIME", "")
    return int(told) if told.isascii() and told.isdigit() and len(told) < _LONGEST_TIME else None
