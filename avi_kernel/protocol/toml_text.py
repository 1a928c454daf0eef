"""Read a stranger's TOML: what is wrong with it is told with its place and a remedy, and it takes no long time."""

import re
import tomllib
from typing import Any

from avi_kernel.protocol.problems import FolderProblem

DEEPEST_KEY = 32
"""Names in one dotted key: the time and memory that `tomllib` takes grow with the third power of them."""
_NAME = r"""(?:[A-Za-z0-9_-]++|"(?:[^"\\\n]|\\.)*+"|'[^'\n]*+')"""
_DEEP_KEY = re.compile(rf"""(?<![\w"'-]){_NAME}(?:[ \t]*+\.[ \t]*+{_NAME}){{{DEEPEST_KEY},}}""")
_PLACE = re.compile(
    r"(?P<words>.*) \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)", re.DOTALL
)
_TUPLE = re.compile(r"\('([^)]*)',?\)")
"""How `tomllib` shows a table's names."""
_QUOTES = "text in quotes ends on its own line; longer text stands between three quotes on each side"
_ONCE = "give each key and each table once"
_STATEMENT = "a line is `key = value` or `[table]`, and a key with other characters than A-Z a-z 0-9 _ - stands in quotes"
_REMEDIES = {
    "Invalid value": 'text stands in quotes, as in `title = "Stars"`; other values are numbers, true, false and lists',
    "Cannot overwrite": _ONCE,
    "Cannot declare": _ONCE,
    "Cannot mutate": _ONCE,
    "Duplicate": _ONCE,
    "Expected '='": _STATEMENT,
    "Invalid statement": _STATEMENT,
    "Invalid initial": _STATEMENT,
    "Expected newline": "one key a line, and text in quotes",
    "Expected ']'": "the name of a table stands in brackets, as in `[interface]`",
    "Unterminated": _QUOTES,
    "Illegal character": _QUOTES,
    "Expected": _QUOTES,
    "Unescaped": r"in double quotes a backslash is written `\\`; in single quotes it needs no escape",
    "Unclosed array": "a list ends with `]`, and commas stand between its values",
    "Unclosed inline": "a table in one line ends with `}`, and commas stand between its keys",
    "Invalid date": "a date is written 2026-01-31; text stands in quotes",
    "Exceeds the limit": "write a number with fewer digits",
}


def parsed(text: str, file: str) -> dict[str, Any]:
    """Return the tables of a TOML file.

    Raises
    ------
    FolderProblem
        It is no TOML, or nested too deeply.
    """
    if deep := _DEEP_KEY.search(text):
        line = text.count("\n", 0, deep.start()) + 1
        raise FolderProblem(file, f"a key has at most {DEEPEST_KEY} names with dots between", line=line)
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise FolderProblem(
            file,
            "is not valid TOML: it is nested too deeply; nothing in a manifest is nested more than 4 deep",
        ) from None
    except ValueError as error:  # besides what is no TOML: a number of thousands of digits
        raise _syntax_problem(text, file, str(error)) from None


def _syntax_problem(text: str, file: str, told: str) -> FolderProblem:
    found = _PLACE.fullmatch(told)
    words = found["words"] if found else told.partition(";")[0]
    remedy = next((remedy for start, remedy in _REMEDIES.items() if words.startswith(start)), _STATEMENT)
    words = _TUPLE.sub(lambda names: f"[{names[1]}]".replace("', '", "."), words)
    message = f"is not valid TOML: {words[:1].lower()}{words[1:]}; {remedy}"
    if not found:
        return FolderProblem(file, message)
    if not found["line"]:
        return FolderProblem(file, message, line=text.rstrip().count("\n") + 1)
    return FolderProblem(file, message, line=int(found["line"]), column=int(found["column"]))
