"""The first part of a result, fit to be shown: a stranger's file, so read within bounds and trusted in nothing."""

import csv
import itertools
from dataclasses import dataclass, field
from typing import Literal
from xml.parsers import expat

from avi_kernel.protocol.runs import ResultEntry
from gavip_hub.handlers.rendering import plain, shorten

Preview = Literal["image", "notebook", "table", "text", "none"]
MOST_ROWS = 50
MOST_COLUMNS = 60
LONGEST_CELL = 120
HEAD_BYTES = 2_000_000
"""How much of a table or text is read."""
TEXT_BYTES = 20_000
CONTENT_BYTES = 40_000_000

_IMAGES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/svg+xml"})
_TABLES = frozenset({"application/x-votable+xml", "text/csv", "text/tab-separated-values"})
_ENDINGS: dict[str, Preview] = {
    "ipynb": "notebook",
    "vot": "table",
    "votable": "table",
    "csv": "table",
    "tsv": "table",
    "txt": "text",
    "log": "text",
    "md": "text",
    "json": "text",
}


class Unreadable(Exception):
    """The file is not what its kind says; the message is a sentence for its owner."""


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of a table."""

    name: str
    unit: str = ""
    about: str = ""


@dataclass(frozen=True, kw_only=True)
class Table:
    """The first rows of a table."""

    columns: list[Column]
    rows: list[list[str]]
    more: bool


def preview_of(entry: ResultEntry) -> Preview:
    """Return how a result can be shown, from its declared kind and else from its name."""
    kind = entry.media_type.partition(";")[0].lower()
    if kind in _IMAGES:
        return "image"
    if kind == "application/x-ipynb+json":
        return "notebook"
    if kind in _TABLES:
        return "table"
    ending = entry.name.rpartition(".")[2].lower()
    if ending in _ENDINGS:
        return _ENDINGS[ending]
    return "text" if kind in {"text/plain", "text/markdown", "application/json"} else "none"


def read_table(entry: ResultEntry, head: bytes) -> Table:
    """Return the first rows of a VOTable, CSV or TSV.

    Parameters
    ----------
    head
        The file's first `HEAD_BYTES`.

    Raises
    ------
    Unreadable
        It is no such table.
    """
    cut = entry.size > len(head)
    if b"\0" in head:
        raise Unreadable("This file is not text, whatever its name says.")
    if head.lstrip()[:1] == b"<":
        return _Votable(cut=cut).read(head)
    return _read_text_table(entry, head, cut=cut)


def read_text(head: bytes) -> str:
    """Return the beginning of a text."""
    text = plain(head[:TEXT_BYTES].decode("utf-8", "replace"))
    return text + "\n…" if len(head) > TEXT_BYTES else text


def _read_text_table(entry: ResultEntry, head: bytes, *, cut: bool) -> Table:
    tabbed = "tab-separated" in entry.media_type or entry.name.endswith(".tsv")
    lines = head.decode("utf-8", "replace").splitlines(keepends=True)
    # The last line of a part of a file is a part of a line.
    whole = (line for line in (lines[:-1] if cut else lines) if not line.startswith("#"))
    try:
        rows = list(itertools.islice(csv.reader(whole, delimiter=_delimiter(tabbed, lines)), MOST_ROWS + 2))
    except csv.Error as error:
        raise Unreadable(f"This file cannot be read as a table: {error}.") from None
    rows = [row for row in rows if row]
    if not rows:
        raise Unreadable("This table is empty.")
    columns = [Column(name=_cell(name)) for name in rows[0][:MOST_COLUMNS]]
    body = [[_cell(value) for value in row[:MOST_COLUMNS]] for row in rows[1 : MOST_ROWS + 1]]
    return Table(columns=columns, rows=body, more=cut or len(rows) > MOST_ROWS + 1)


def _delimiter(tabbed: bool, lines: list[str]) -> str:
    if tabbed:
        return "\t"
    header = next((line for line in lines if not line.startswith("#")), "")
    # ECSV, astropy's own CSV, separates by spaces unless told otherwise.
    return "," if "," in header else (" " if lines and lines[0].startswith("# %ECSV") else ",")


def _cell(value: str) -> str:
    return shorten(plain(value).strip(), LONGEST_CELL)


class _Enough(Exception):
    """All that is shown has been read: the way out of the parser."""


@dataclass
class _Votable:
    """Reads a VOTable's first table as it streams by; documents that define entities are refused."""

    cut: bool
    columns: list[Column] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    more: bool = False
    _path: list[str] = field(default_factory=list)
    _text: list[str] = field(default_factory=list)

    def read(self, head: bytes) -> Table:
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = self._refuse
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text.append
        try:
            parser.Parse(head, not self.cut)
        except _Enough:
            pass
        except expat.ExpatError as error:
            raise Unreadable(f"This VOTable is not well-formed: {error}.") from None
        if not self.columns:
            raise Unreadable("This VOTable holds no table.")
        return Table(columns=self.columns[:MOST_COLUMNS], rows=self.rows, more=self.more or self.cut)

    def _refuse(self, *_: object) -> None:
        raise Unreadable("This VOTable has a document type definition, which is not read here.")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        tag = name.rpartition(":")[2]
        self._path.append(tag)
        self._text.clear()
        if tag == "FIELD":
            about = attributes.get("ucd", "")
            unit = _cell(attributes.get("unit", ""))
            self.columns.append(Column(name=_cell(attributes.get("name", "")), unit=unit, about=_cell(about)))
        elif tag == "TR":
            self._start_row()
        elif tag in {"BINARY", "BINARY2", "FITS"}:
            raise Unreadable(f"The rows of this VOTable are in {tag} form; download it to see them.")

    def _start_row(self) -> None:
        if len(self.rows) == MOST_ROWS:
            self.more = True
            raise _Enough
        self.rows.append([])

    def _end(self, name: str) -> None:
        tag = self._path.pop() if self._path else name
        if tag == "TD" and self.rows and len(self.rows[-1]) < MOST_COLUMNS:
            self.rows[-1].append(_cell("".join(self._text)))
        if tag == "TABLE":
            raise _Enough
        self._text.clear()
