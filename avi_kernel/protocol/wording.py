"""How messages show what a stranger wrote: on one line, with nothing that a terminal obeys, and never at length."""

from collections.abc import Collection, Iterable
from datetime import date, datetime, time
from difflib import get_close_matches
from typing import Any

_SHOWN = 60
_LISTED = 15
_EXACT = 2**53


def printable(text: str, most: int = _SHOWN) -> str:
    """Return a text with escapes in place of control characters, cut where it is long."""
    text = text if len(text) <= most else text[: most - 3] + "..."
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def shown(value: Any) -> str:
    """Return a value as code, cut where it is long."""
    try:
        return printable(repr(value[:_SHOWN] if isinstance(value, str) else value))
    except (ValueError, RecursionError):  # Python writes no number of more than 4300 digits
        return "a number of thousands of digits"


def number(value: float) -> str:
    """Return a number with all its digits, and no fraction where it has none."""
    is_whole = isinstance(value, int) or (abs(value) < _EXACT and value.is_integer())
    return shown(int(value) if is_whole else value)


def got(value: Any) -> str:
    """Return what was written in a TOML file, in its words."""
    match value:
        case dict():
            return "a table"
        case list():
            return "a list"
        case bool():
            return str(value).lower()
        case datetime() | date() | time():
            return "a date or time"
        case _:
            return shown(value)


def listed(names: Iterable[str]) -> str:
    """Return names in one line: the first ones, and how many more there are."""
    everything = list(names)
    first = ", ".join(printable(str(name)) for name in everything[:_LISTED])
    more = len(everything) - _LISTED
    return f"{first} and {more} more" if more > 0 else first or "none"


def did_you_mean(name: str, known: Collection[str]) -> str:
    """Return the end of a sentence that names the known word which is nearest; empty where none is near."""
    near = get_close_matches(name[:_SHOWN], known, n=1)
    return f"; did you mean `{near[0]}`?" if near else ""
