"""Files as one zip archive that is written while it is read: nothing of it is kept, however large it is."""

import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import BinaryIO
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from typing_extensions import Buffer, override

PIECE = 256 * 1024
_DRIVE = re.compile(r"((?:^|/)[A-Za-z]):")
_FIRST_YEAR, _LAST_YEAR = 1980, 2107
"""That the format can name."""


@dataclass(frozen=True, kw_only=True)
class Packed:
    """One file or folder of an archive."""

    name: str
    """With slashes between its folders."""
    modified: float
    file: BinaryIO | None = None
    """None: a folder. It is closed by whoever opened it, once the next one is asked for."""
    size: int = 0
    """Bytes that are read of it at most: it may grow meanwhile."""


def zipped(entries: Iterable[Packed]) -> Iterator[bytes]:
    """Yield an archive in pieces; what is packed is packed as it is, for data hardly shrink and every reader can start at once."""
    sink = _Sink()
    with ZipFile(sink, "w", ZIP_STORED) as archive:
        for entry in entries:
            with archive.open(_info(entry), "w") as made:
                for block in _blocks(entry):
                    made.write(block)
                    if sink.held >= PIECE:
                        yield sink.taken()
            if sink.held >= PIECE:
                yield sink.taken()
    yield sink.taken()


def _info(entry: Packed) -> ZipInfo:
    # A backslash separates folders elsewhere, and a letter with a colon is a drive: they lead out of the folder of the archive.
    name = _DRIVE.sub(r"\1_", entry.name.replace("\\", "_"))
    at = datetime.fromtimestamp(entry.modified, UTC)
    year = min(max(at.year, _FIRST_YEAR), _LAST_YEAR)
    moment = (year, at.month, at.day, at.hour, at.minute, at.second)
    info = ZipInfo(name if entry.file else f"{name}/", date_time=moment)
    info.external_attr = (0o100644 if entry.file else 0o40755) << 16
    info.create_system = 3
    info.file_size = entry.size  # beyond 2 GB the format needs to know before
    return info


def _blocks(entry: Packed) -> Iterator[bytes]:
    left = entry.size
    while entry.file and left > 0 and (block := entry.file.read(min(PIECE, left))):
        left -= len(block)
        yield block


class _Sink(io.RawIOBase):
    """Where the archive is written to: it cannot be gone back in, so that sizes come after the content."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self.held = 0

    @override
    def writable(self) -> bool:
        return True

    @override
    def write(self, content: Buffer, /) -> int:
        piece = bytes(content)
        self._pieces.append(piece)
        self.held += len(piece)
        return len(piece)

    def taken(self) -> bytes:
        """Return what was written since this was asked last."""
        whole = b"".join(self._pieces)
        self._pieces.clear()
        self.held = 0
        return whole
