"""The first part of a result, fit to be shown: a stranger's file, so read within bounds and trusted in nothing."""

import csv
import itertools
from typing import Literal

from avi_kernel.protocol.readable import plain
from avi_kernel.protocol.runs import ResultEntry
from gavip_hub.handlers.tables import MOST_COLUMNS, MOST_ROWS, Column, Table, Unreadable, cell
from gavip_hub.handlers.votable import VotableReader

Preview = Literal["image", "notebook", "table", "text", "none"]
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
        return VotableReader(cut=cut).read(head)
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
    columns = [Column(name=cell(name)) for name in rows[0][:MOST_COLUMNS]]
    body = [[cell(value) for value in row[:MOST_COLUMNS]] for row in rows[1 : MOST_ROWS + 1]]
    return Table(columns=columns, rows=body, more=cut or len(rows) > MOST_ROWS + 1)


def _delimiter(tabbed: bool, lines: list[str]) -> str:
    if tabbed:
        return "\t"
    header = next((line for line in lines if not line.startswith("#")), "")
    # ECSV, astropy's own CSV, separates by spaces unless told otherwise.
    return "," if "," in header else (" " if lines and lines[0].startswith("# %ECSV") else ",")
