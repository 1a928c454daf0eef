"""Tables and texts of lines, paged by their place in the file: no page reads what lies before it."""

import csv
from collections.abc import Iterator

from avi_kernel.previewing import ecsv
from avi_kernel.previewing.words import MB, ROWS, Answer, Json, Question, Unreadable, cell, table, text

PIECE = 256 * 1024
LONGEST_LINE = MB
MOST_COMMENTS = 5000
PAGE_BYTES = 48 * 1024
"""Of a text."""


def load() -> None:
    """Import what reading takes, before nothing can be opened any more."""
    ecsv.load(0)


def read_text(question: Question) -> Answer:
    """Return a page of a text."""
    start = question.offset()
    if question.page == "end":
        start = max(0, question.size - PAGE_BYTES)
    start = min(start, max(0, question.size - 1))
    content = _at(question, start, PAGE_BYTES)
    end = start + len(content)
    if end < question.size and (cut := content.rfind(b"\n")) >= 0:
        content = content[: cut + 1]
        end = start + cut + 1
    if content.count(0) > len(content) // 50:
        raise Unreadable("This file is not text, whatever its name says: download it.")
    view: Json = {"kind": "text", "text": text(content.decode("utf-8", "replace"))}
    return Answer(view | _pages(question, start, _before_text(question, start), end, PAGE_BYTES))


def read_table(question: Question) -> Answer:
    """Return a page of a table of comma- or tab-separated values, or of ECSV."""
    if b"\0" in _at(question, 0, PIECE):
        raise Unreadable("This file is not text, whatever its name says.")
    lines = Lines(question, 0)
    comments, names = _header(question, lines)
    delimiter = _delimiter(question, comments, names)
    columns = ecsv.columns_of(comments, _fields(names, delimiter))
    begin, start = lines.at, max(lines.at, question.offset())
    if question.page == "end":
        start = max(begin, _back(question, question.size, ROWS))
    body = Lines(question, start)
    rows = _rows(body, delimiter, width=len(columns))
    view: Json = {"kind": question.kind, "table": table(columns, rows, first=None, total=None)}
    if start == begin:
        view["table"]["first"] = 1
    if start == begin and body.at >= question.size:
        view["table"]["total"] = len(rows)
    before = max(begin, _back(question, start, ROWS)) if start > begin else None
    return Answer(view | _pages(question, start, before, body.at, 0))


class Lines:
    """Lines from a place on, each with how far it reaches; a file that is one endless line is refused."""

    def __init__(self, question: Question, start: int) -> None:
        self._file = question.file
        self._file.seek(start)
        self.at = start

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._file.readline(LONGEST_LINE)
        if not line:
            raise StopIteration
        if len(line) == LONGEST_LINE and not line.endswith(b"\n"):
            raise Unreadable(
                "A line of this table is longer than 1 MB, which is no row: download it to see it."
            )
        self.at += len(line)
        return line.decode("utf-8", "replace").removeprefix("\ufeff")


def _header(question: Question, lines: Lines) -> tuple[list[str], str]:
    """Return the comments in front, and the line that names the columns."""
    comments: list[str] = []
    for line in lines:
        if line.startswith("#") and len(comments) < MOST_COMMENTS:
            comments.append(line)
        elif line.strip():
            return comments, line
    raise Unreadable("This table is empty." if question.size else "This file is empty.")


def _delimiter(question: Question, comments: list[str], names: str) -> str:
    if question.kind == "tsv":
        return "\t"
    if "," in names:
        return ","
    # ECSV, astropy's own CSV, separates by spaces unless told otherwise.
    if comments and comments[0].startswith("# %ECSV"):
        return " "
    return next((mark for mark in (";", "\t", "|") if mark in names), ",")


def _fields(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error as error:
        raise Unreadable(f"This file cannot be read as a table: {error}.") from None


def _rows(lines: Lines, delimiter: str, *, width: int) -> list[list[str]]:
    csv.field_size_limit(LONGEST_LINE)
    rows: list[list[str]] = []
    start, reader = lines.at, csv.reader(_bounded(lines), delimiter=delimiter)
    try:
        for row in reader:
            if row and not (len(row) == 1 and row[0].startswith("#")):
                rows.append([cell(value) for value in (row + [""] * width)[:width]])
            if len(rows) == ROWS or lines.at - start > 8 * MB:
                break
    except csv.Error as error:
        raise Unreadable(f"This file cannot be read as a table: {error}.") from None
    return rows


def _bounded(lines: Lines) -> Iterator[str]:
    """Yield lines until a page's worth of bytes, so that a quote that is never closed does not take the whole file."""
    start = lines.at
    for line in lines:
        yield line
        if lines.at - start > 16 * MB:
            return


def _back(question: Question, end: int, count: int) -> int:
    """Return where the line begins that is so many lines before a place."""
    place, seen = end, 0
    while place > 0 and end - place < 8 * MB:
        start = max(0, place - PIECE)
        piece = _at(question, start, place - start)
        for found in _newlines_from_the_end(piece):
            if start + found + 1 == end:  # that which ends the line before
                continue
            seen += 1
            if seen == count:
                return start + found + 1
        place = start
    return place


def _newlines_from_the_end(piece: bytes) -> Iterator[int]:
    found = piece.rfind(b"\n")
    while found >= 0:
        yield found
        found = piece.rfind(b"\n", 0, found)


def _before_text(question: Question, start: int) -> int | None:
    if start == 0:
        return None
    before = max(0, start - PAGE_BYTES)
    cut = _at(question, before, start - before).find(b"\n") + 1 if before else 0
    return before + cut if before + cut < start else before


def _pages(question: Question, start: int, before: int | None, end: int, length: int) -> Json:
    more = end < question.size
    return {
        "previous": None if before is None else str(before),
        "next": str(end) if more else None,
        "last": "end" if more and question.size - end > length else None,
        "place": start / question.size if before is not None else 0.0,
    }


def _at(question: Question, start: int, length: int) -> bytes:
    question.file.seek(start)
    return question.file.read(length)
