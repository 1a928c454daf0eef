"""A stranger's words and numbers as they fit a page, and what all readers share."""

import math
import re
from dataclasses import dataclass, field
from typing import Any, BinaryIO

ROWS = 100
MOST_COLUMNS = 60
LONGEST_CELL = 120
MOST_CARDS = 500
MB = 1024 * 1024
# The protocol has these as well; importing it would double the time to the first page.
_ANSI = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")
_MISLEADING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""Characters that are nothing, that terminals obey, or that turn the order of what is read."""
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?|[-+]?(nan|NaN|inf|Inf)")

Json = dict[str, Any]


class Unreadable(Exception):
    """The file is not what its name says, or more than is looked at; the message is a sentence for its owner."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is asked of a file."""

    file: BinaryIO
    kind: str
    size: int
    picture: bool = False
    """Whether the image itself is asked for, as a PNG."""
    part: str = ""
    page: str = ""
    find: str = ""
    stretch: str = "linear"
    cut: str = "zscale"
    low: float | None = None
    high: float | None = None
    colours: str = "grey"
    plane: int = 0

    def offset(self) -> int:
        """Return the place from which is asked: a row or a byte, as the kind counts."""
        return int(self.page) if self.page.isdigit() else 0


@dataclass
class Answer:
    """What is told of it."""

    view: Json = field(default_factory=dict)
    png: bytes = b""


def text(value: str) -> str:
    """Return a text of several lines without colours, and with what misleads made visible."""
    return _MISLEADING.sub("\N{REPLACEMENT CHARACTER}", _ANSI.sub("", value.replace("\r\n", "\n")))


def cell(value: object, longest: int = LONGEST_CELL) -> str:
    """Return a value as it fits a cell."""
    if isinstance(value, float):
        return _float(value)
    shown = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    clean = text(shown[: 20 * longest]).strip()
    return clean if len(clean) <= longest else clean[: longest - 1].rstrip() + "…"


def reason(error: Exception) -> str:
    """Return what a library says is wrong, as the end of a sentence."""
    said = f"it has no {error}" if isinstance(error, KeyError) else str(error)
    return cell(said, 300).rstrip(".") or type(error).__name__


def table(columns: list[Json], rows: list[list[str]], *, first: int | None, total: int | None) -> Json:
    """Return a page of a table, its columns of numbers marked."""
    shown = [row[:MOST_COLUMNS] for row in rows]
    marked = [
        column | {"number": _numbers(row[place] for row in shown if place < len(row))}
        for place, column in enumerate(columns[:MOST_COLUMNS])
    ]
    return {
        "columns": marked,
        "rows": shown,
        "first": first,
        "total": total,
        "columns_left_out": max(0, len(columns) - MOST_COLUMNS),
    }


def pages_by_row(first: int, total: int, rows: int = ROWS) -> Json:
    """Return the pages around the one that begins at a row."""
    return {
        "previous": str(max(0, first - rows)) if first > 0 else None,
        "next": str(first + rows) if first + rows < total else None,
        "last": str((total - 1) // rows * rows) if total > first + rows else None,
        "place": first / total if total else 0.0,
    }


def first_row(question: Question, total: int) -> int:
    """Return the row from which is asked, which is always one of the table where it has any."""
    if question.page == "end":
        return max(0, (total - 1) // ROWS * ROWS)
    return max(0, min(question.offset(), total - 1))


def _numbers(values: Any) -> bool:
    found = [value for value in values if value]
    return bool(found) and all(_NUMBER.fullmatch(value) for value in found)


def _float(value: float) -> str:
    if math.isnan(value):
        return ""
    return repr(value)
