"""Small tables for previews."""

from dataclasses import dataclass

from avi_kernel.protocol.readable import plain, shorten

MOST_ROWS = 50
MOST_COLUMNS = 60
LONGEST_CELL = 120


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


def cell(value: str) -> str:
    """Return a value as it fits a cell."""
    return shorten(plain(value).strip(), LONGEST_CELL)
