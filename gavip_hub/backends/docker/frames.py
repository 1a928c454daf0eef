"""Bytes of unknown number on a line: each piece with its length before it, an empty one at the end, so that a break shows."""

import struct
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from gavip_hub.exceptions import Unavailable

LONGEST = 4 * 1024 * 1024
PIECE_WITHIN = 600.0
"""Seconds for each piece: an engine lays a whole image together on its own disk before the first byte of it comes."""
_LENGTH = struct.Struct(">I")


def frames(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield pieces as they are sent; the end only where they came to theirs."""
    for piece in pieces:
        for start in range(0, len(piece), LONGEST):
            part = piece[start : start + LONGEST]
            yield _LENGTH.pack(len(part)) + part
    yield _LENGTH.pack(0)


def framed_pieces(stream: BinaryIO) -> Iterator[bytes]:
    """Yield the pieces that were sent.

    Raises
    ------
    gavip_hub.exceptions.Unavailable
        They broke off before their end.
    """
    while length := _length(stream.read(_LENGTH.size)):
        piece = stream.read(length)
        if len(piece) != length:
            raise _broken()
        yield piece


def _length(told: bytes) -> int:
    if len(told) != _LENGTH.size:
        raise _broken()
    (length,) = _LENGTH.unpack(told)
    if length > LONGEST:
        raise _broken()
    return int(length)


def _broken() -> Unavailable:
    return Unavailable("The engine broke off; the steward's log says why. Ask again in a minute.")
