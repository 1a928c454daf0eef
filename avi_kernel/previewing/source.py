"""The one file that is read, as libraries take it: with a place of its own, and nothing by which it could be opened anew."""

import io
import os
from typing import BinaryIO, cast

from typing_extensions import override


class _Descriptor(io.RawIOBase):
    """A file that is open already; libraries that would duplicate a descriptor find none."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._size = os.fstat(number).st_size
        self._at = 0

    @override
    def readable(self) -> bool:
        return True

    @override
    def seekable(self) -> bool:
        return True

    @override
    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]  # whatever has one
        count = os.preadv(self._number, [view], self._at)
        self._at += count
        return count

    @override
    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        begin = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        if begin + offset < 0:
            raise ValueError("no place in a file")
        self._at = begin + offset
        return self._at


def opened(number: int) -> BinaryIO:
    """Return a descriptor as a file."""
    return cast(BinaryIO, io.BufferedReader(_Descriptor(number), buffer_size=64 * 1024))
