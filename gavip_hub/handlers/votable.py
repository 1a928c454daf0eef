"""The first rows of a VOTable, in text or in binary; a stranger's file, so read within bounds."""

import base64
import math
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from xml.parsers import expat

from gavip_hub.handlers.tables import MOST_COLUMNS, MOST_ROWS, Column, Table, Unreadable, cell

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
    about: str
    datatype: str
    arraysize: str


@dataclass
class VotableReader:
    """Reads a VOTable's first table as it streams by; documents that define entities are refused.

    Parameters
    ----------
    cut
        Whether the file goes on after what is given.
    """

    cut: bool
    _fields: list[_Field] = field(default_factory=list)
    _rows: list[list[str]] = field(default_factory=list)
    _more: bool = False
    _form: str = ""
    _text: list[str] = field(default_factory=list)

    def read(self, head: bytes) -> Table:
        """Return the first rows.

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
        parser.CharacterDataHandler = self._text.append
        try:
            parser.Parse(head, not self.cut)
            self._read_stream()
        except _Enough:
            pass
        except expat.ExpatError as error:
            raise Unreadable(f"This VOTable is not well-formed: {error}.") from None
        if not self._fields:
            raise Unreadable("This VOTable holds no table.")
        columns = [Column(name=one.name, unit=one.unit, about=one.about) for one in self._fields]
        return Table(columns=columns[:MOST_COLUMNS], rows=self._rows, more=self._more or self.cut)

    def _refuse(self, *_: object) -> None:
        raise Unreadable("This VOTable has a document type definition, which is not read here.")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        tag = name.rpartition(":")[2]
        self._text.clear()
        if tag == "FIELD":
            self._add(_field(attributes))
        elif tag == "TR":
            self._start_row()
        elif tag in {"BINARY", "BINARY2"}:
            self._form = tag
        elif tag == "FITS" or (tag == "STREAM" and attributes.get("encoding") != "base64"):
            raise Unreadable("The rows of this VOTable are in another file or form; download it to see them.")

    def _add(self, one: _Field) -> None:
        if len(self._fields) == _MOST_FIELDS:
            raise Unreadable(f"This VOTable has more than {_MOST_FIELDS} columns; download it to see them.")
        self._fields.append(one)

    def _start_row(self) -> None:
        if len(self._rows) == MOST_ROWS:
            self._more = True
            raise _Enough
        self._rows.append([])

    def _end(self, name: str) -> None:
        tag = name.rpartition(":")[2]
        if tag == "TD" and self._rows and len(self._rows[-1]) < MOST_COLUMNS:
            self._rows[-1].append(cell("".join(self._text)))
        elif tag == "STREAM":
            self._read_stream()
        if tag == "TABLE":
            raise _Enough
        self._text.clear()

    def _read_stream(self) -> None:
        """Take the rows out of what came of a binary stream, whole or not."""
        if not self._form:
            return
        text = "".join("".join(self._text).split())
        try:
            data = base64.b64decode(text[: len(text) // 4 * 4], validate=True)
        except ValueError:
            raise Unreadable("The binary rows of this VOTable are damaged.") from None
        rows = _binary_rows(self._fields, data, nulls=self._form == "BINARY2")
        found = list(islice(rows, MOST_ROWS + 1))
        self._more = len(found) > MOST_ROWS
        self._rows = [row[:MOST_COLUMNS] for row in found[:MOST_ROWS]]
        raise _Enough


def _field(attributes: dict[str, str]) -> _Field:
    return _Field(
        name=cell(attributes.get("name", "")),
        unit=cell(attributes.get("unit", "")),
        about=cell(attributes.get("ucd", "")),
        datatype=attributes.get("datatype", ""),
        arraysize=attributes.get("arraysize", "1"),
    )


def _binary_rows(fields: list[_Field], data: bytes, *, nulls: bool) -> Iterator[list[str]]:
    """Yield rows until the data ends, perhaps within a row."""
    at, mask_length = 0, (len(fields) + 7) // 8 if nulls else 0
    while fields and at < len(data):
        mask = int.from_bytes(data[at : at + mask_length], "big")
        at += mask_length
        row: list[str] = []
        for number, one in enumerate(fields):
            try:
                text, at = _value(one, data, at)
            except struct.error:
                return
            null = mask >> (mask_length * 8 - 1 - number) & 1 if nulls else 0
            row.append("" if null else text)
        yield row


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
