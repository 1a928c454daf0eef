"""VOTable, in text or in binary, paged by rows: read as it streams by, up to the page's end."""

import base64
import math
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO
from xml.parsers import expat

from avi_kernel.previewing.words import (
    MB,
    MOST_COLUMNS,
    ROWS,
    Answer,
    Json,
    Question,
    Unreadable,
    cell,
    table,
)

_CODES = {
    "boolean": "c",
    "unsignedByte": "B",
    "short": "h",
    "int": "i",
    "long": "q",
    "char": "c",
    "unicodeChar": "2s",
    "float": "f",
    "double": "d",
    "floatComplex": "2f",
    "doubleComplex": "2d",
}
PIECE = 256 * 1024
LONGEST_TEXT = 16 * MB
_FLOAT_DIGITS = 7
_LONGEST_ARRAY = 1_000_000
_MOST_FIELDS = 1000
_MOST_DIMENSIONS = 10
_DIMENSION = re.compile(r"[0-9]{1,7}")


class _Enough(Exception):
    """All that is shown has been read: the way out of the parser."""


@dataclass(frozen=True, kw_only=True)
class _Field:
    """A column as VOTable declares it."""

    name: str
    unit: str
    ucd: str
    datatype: str
    arraysize: str

    def told(self, about: str) -> Json:
        """Return what a page tells of it."""
        kind = self.datatype if self.arraysize == "1" else f"{self.datatype} {self.arraysize}"
        return {"name": self.name, "unit": self.unit, "ucd": self.ucd, "type": cell(kind), "about": about}


def read(question: Question) -> Answer:
    """Return a page of the first table."""
    if question.page == "end":
        raise Unreadable("A VOTable is read from its beginning: its end is seen by downloading it.")
    reader = VotableReader(first=question.offset())
    question.file.seek(0)
    reader.read(question.file)
    first, rows = reader.first, reader.rows[:ROWS]
    if not rows and first:
        raise Unreadable(f"This table has no row {first + 1}.")
    total = None if reader.more else first + len(rows)
    shown = table(reader.columns(), rows, first=first + 1 if rows else None, total=total)
    return Answer(
        {
            "kind": "votable",
            "problem": reader.problem,
            "table": shown,
            "previous": str(max(0, first - ROWS)) if first else None,
            "next": str(first + ROWS) if reader.more else None,
        }
    )


@dataclass
class VotableReader:
    """Reads a VOTable's first table as it streams by; documents that define entities are refused.

    Parameters
    ----------
    first
        Number of the first row that is kept, counted from 0.
    """

    first: int
    rows: list[list[str]] = field(default_factory=list)
    more: bool = False
    problem: str = ""
    """What is wrong behind the rows that could be read."""
    _seen: int = 0
    _fields: list[_Field] = field(default_factory=list)
    _abouts: dict[int, str] = field(default_factory=dict)
    _row: list[str] | None = None
    _form: str = ""
    _in_field: bool = False
    _text: list[str] = field(default_factory=list)
    _text_length: int = 0
    _base64: str = ""
    _data: bytes = b""
    _wanted: int = 0
    """Bytes before which no row is looked for: where one did not end, twice as many."""

    def read(self, file: BinaryIO) -> None:
        """Read until a page is full.

        Raises
        ------
        Unreadable
            It is no VOTable that can be read here.
        """
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = self._refuse
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._take
        try:
            while piece := file.read(PIECE):
                parser.Parse(piece, False)
            parser.Parse(b"", True)
        except _Enough:
            pass
        except expat.ExpatError as error:
            self.problem = f"This VOTable is not well-formed: {error}."
            if not self.rows:
                raise Unreadable(self.problem) from None
        if not self._fields:
            raise Unreadable("This VOTable holds no table.")

    def columns(self) -> list[Json]:
        """Return what is told of the columns."""
        return [one.told(self._abouts.get(place, "")) for place, one in enumerate(self._fields)]

    def _refuse(self, *_: object) -> None:
        raise Unreadable("This VOTable has a document type definition, which is not read here.")

    def _take(self, text: str) -> None:
        if self._form:
            self._take_stream(text)
            return
        self._text_length += len(text)
        if self._text_length > LONGEST_TEXT:
            raise Unreadable(
                "A value of this VOTable is longer than what is read here: download it to see it."
            )
        self._text.append(text)

    def _clear(self) -> str:
        text, self._text, self._text_length = "".join(self._text), [], 0
        return text

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        tag = name.rpartition(":")[2]
        self._clear()
        if tag == "FIELD":
            self._in_field = True
            self._add(_field(attributes))
        elif tag == "TR":
            self._row = []
        elif tag in {"BINARY", "BINARY2"}:
            self._form = tag
        elif tag == "FITS" or (tag == "STREAM" and attributes.get("encoding") != "base64"):
            raise Unreadable("The rows of this VOTable are in another file or form; download it to see them.")

    def _add(self, one: _Field) -> None:
        if len(self._fields) == _MOST_FIELDS:
            raise Unreadable(f"This VOTable has more than {_MOST_FIELDS} columns; download it to see them.")
        self._fields.append(one)

    def _end(self, name: str) -> None:
        tag = name.rpartition(":")[2]
        text = self._clear()
        if tag == "TD" and self._row is not None and len(self._row) < MOST_COLUMNS:
            self._row.append(cell(text))
        elif tag == "TR" and self._row is not None:
            self._keep(self._row)
            self._row = None
        elif tag == "DESCRIPTION" and self._in_field:
            self._abouts[len(self._fields) - 1] = cell(text, 300)
        elif tag == "FIELD":
            self._in_field = False
        elif tag == "STREAM":
            self._take_rows()
            raise _Enough
        elif tag == "TABLE":
            raise _Enough

    def _keep(self, row: list[str]) -> None:
        """Take a row, or leave it where it lies before the page; one more than a page shows that there are more."""
        if self._seen >= self.first + ROWS:
            self.more = True
            raise _Enough
        if self._seen >= self.first:
            self.rows.append(row[:MOST_COLUMNS] + [""] * (min(len(self._fields), MOST_COLUMNS) - len(row)))
        self._seen += 1

    def _take_stream(self, text: str) -> None:
        """Take the rows out of what has come of a binary stream."""
        self._base64 += "".join(text.split())
        whole = len(self._base64) // 4 * 4
        try:
            self._data += base64.b64decode(self._base64[:whole], validate=True)
        except ValueError:
            raise Unreadable("The binary rows of this VOTable are damaged.") from None
        self._base64 = self._base64[whole:]
        if len(self._data) >= self._wanted:
            self._take_rows()

    def _take_rows(self) -> None:
        done = 0
        for row, end in _binary_rows(self._fields, self._data, nulls=self._form == "BINARY2"):
            done = end
            self._keep(row)
        self._data = self._data[done:]
        self._wanted = 0 if done else 2 * len(self._data)
        if len(self._data) > LONGEST_TEXT:
            raise Unreadable("A row of this VOTable is longer than what is read here: download it to see it.")


def _field(attributes: dict[str, str]) -> _Field:
    return _Field(
        name=cell(attributes.get("name", "")),
        unit=cell(attributes.get("unit", "")),
        ucd=cell(attributes.get("ucd", "")),
        datatype=attributes.get("datatype", ""),
        arraysize=attributes.get("arraysize", "1"),
    )


def _binary_rows(fields: list[_Field], data: bytes, *, nulls: bool) -> Iterator[tuple[list[str], int]]:
    """Yield rows, and where each ends, until the data ends, perhaps within a row."""
    at, mask_length = 0, (len(fields) + 7) // 8 if nulls else 0
    while fields and at < len(data):
        begin, mask = at, int.from_bytes(data[at : at + mask_length], "big")
        at += mask_length
        row: list[str] = []
        for number, one in enumerate(fields):
            try:
                text, at = _value(one, data, at)
            except struct.error:
                return
            null = mask >> (mask_length * 8 - 1 - number) & 1 if nulls else 0
            row.append("" if null else text)
        if at > len(data) or at == begin:
            return
        yield row, at


def _value(one: _Field, data: bytes, at: int) -> tuple[str, int]:
    count, at = _count(one.arraysize, data, at)
    if one.datatype == "bit":
        end = at + (count + 7) // 8
        packed = int.from_bytes(data[at:end], "big")
        # Of a single bit astropy sets another one than the standard's first.
        bits = f"{packed:0{(end - at) * 8}b}" if count > 1 else str(int(packed != 0))
        return cell(bits[:count]), end
    code = _CODES.get(one.datatype)
    if code is None:
        raise Unreadable(f"This VOTable has a column of the unknown kind {one.datatype[:40]!r}.")
    end = at + struct.calcsize(f">{code}") * count
    if end > len(data):
        raise struct.error
    return _shown(one.datatype, code, data[at:end], count), end


def _count(arraysize: str, data: bytes, at: int) -> tuple[int, int]:
    """Return how many values follow: declared, or for the last dimension `*` told before them."""
    if arraysize.endswith("*"):
        (count,) = struct.unpack_from(">i", data, at)
        at += 4
    else:
        parts = arraysize.split("x")
        known = len(parts) <= _MOST_DIMENSIONS and all(map(_DIMENSION.fullmatch, parts))
        count = math.prod(map(int, parts)) if known else -1
    if not 0 <= count <= _LONGEST_ARRAY:
        raise Unreadable("The binary rows of this VOTable are damaged.")
    return count, at


def _shown(datatype: str, code: str, raw: bytes, count: int) -> str:
    if datatype == "char":
        return cell(raw.rstrip(b"\0").decode("utf-8", "replace"))
    if datatype == "unicodeChar":
        return cell(raw.decode("utf-16-be", "replace").rstrip("\0"))
    if datatype == "boolean":
        words = {b"T": "true", b"t": "true", b"1": "true", b"F": "false", b"f": "false", b"0": "false"}
        return cell(" ".join(words.get(raw[index : index + 1], "") for index in range(count)))
    values = struct.unpack(f">{count * int(code[:-1] or 1)}{code[-1]}", raw)
    return cell(" ".join(_number(value, single=code[-1] == "f") for value in values[:20]))


def _number(value: float, *, single: bool) -> str:
    if value != value:  # noqa: PLR0124 - NaN, which stands for no value
        return ""
    return f"{value:.{_FLOAT_DIGITS}g}" if single else str(value)
