"""The line of a TOML file at which a key is first given; `tomllib` tells none."""

import tomllib
from bisect import bisect_left
from typing import Any

_LONGEST_VALUE = 50
"""Lines: a value that is longer has its line told by its end, or not at all."""


def line_of(text: str, place: tuple[str | int, ...]) -> int | None:
    """Return the line of a key, counted from 1; None where it is not given, or cannot be told.

    Parameters
    ----------
    place
        Its tables' names and its own, and numbers in lists: `("authors", 0, "name")`.
    """
    lines = text.splitlines(keepends=True)

    def is_given_by(line: int) -> bool:
        """Tell whether the file holds the key when it ends with this line, or with the value that begins there."""
        for end in range(line, min(line + _LONGEST_VALUE, len(lines)) + 1):
            try:
                return _holds(tomllib.loads("".join(lines[:end])), place)
            except (ValueError, RecursionError):
                continue
        return False

    found = bisect_left(range(1, len(lines) + 1), x=True, key=is_given_by)
    return found + 1 if found < len(lines) else None


def _holds(table: Any, place: tuple[str | int, ...]) -> bool:
    for part in place:
        try:
            table = table[int(part) if isinstance(table, list) else part]
        except (KeyError, IndexError, TypeError, ValueError):
            return False
    return True
