"""The line of a TOML file at which a key is first given; `tomllib` tells none."""

import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from typing import Any

Place = tuple[str | int, ...]

_TOKEN = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*+"{3,5}'
    r"|'''(?:[^']|'(?!''))*+'{3,5}"
    r'|"(?:[^"\\\n]|\\.)*+"'
    r"|'[^'\n]*+'"
    r"|\#[^\n]*+"
    r"|[\[{]|[\]}]|\n",
    re.DOTALL,
)
"""What opens, closes or ends a line, and what such characters mean nothing in."""


def line_of(text: str, place: Place) -> int | None:
    """Return the line of a key, counted from 1; None where it is not given.

    Parameters
    ----------
    place
        Its tables' names and its own, and numbers in lists: `("authors", 0, "name")`.
    """
    table: Place = ()
    seen: Counter[Place] = Counter()
    for line, statement in _statements(text):
        try:
            given = tomllib.loads(statement)
        except (ValueError, RecursionError):
            continue
        if statement.lstrip().startswith("["):
            table = _resolved(_names(given), seen, is_list=statement.lstrip().startswith("[["))
            if table[: len(place)] == place:
                return line
        elif _gives(table, given, place):
            return line
    return None


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Yield each header of a table and each key with its value, with the line where it begins."""
    begin, line, first, depth = 0, 1, 1, 0
    for token in _TOKEN.finditer(text):
        found = token[0]
        depth += (found in "[{") - (found in "]}")
        line += found.count("\n")
        if found == "\n" and depth <= 0:
            yield first, text[begin : token.end()]
            begin, first, depth = token.end(), line, 0
    yield first, text[begin:]


def _names(given: dict[str, Any]) -> list[str]:
    """Return the names in a table's header."""
    names: list[str] = []
    inner: Any = given
    while inner:
        name = next(iter(inner))
        names.append(name)
        inner = inner[name][0] if isinstance(inner[name], list) else inner[name]
    return names


def _resolved(names: list[str], seen: Counter[Place], *, is_list: bool) -> Place:
    """Return the place of a header's table: behind the name of a list comes the number of its last table."""
    place: Place = ()
    for index, name in enumerate(names):
        place = (*place, name)
        if is_list and index == len(names) - 1:
            seen[place] += 1
        if seen[place]:
            place = (*place, seen[place] - 1)
    return place


def _gives(table: Place, given: dict[str, Any], place: Place) -> bool:
    """Tell whether a key with its value, in a table, is or holds what is at a place."""
    if place[: len(table)] != table:
        return False
    inner: Any = given
    for part in place[len(table) :]:
        if isinstance(inner, dict) and part in inner:
            inner = inner[str(part)]
        elif isinstance(inner, list) and isinstance(part, int) and part < len(inner):
            inner = inner[part]
        else:
            return False
    return True
