"""What is wrong with an AVI's folder, in words that name file and key."""

from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from avi_kernel.protocol.base import PATTERN_WORDS
from avi_kernel.protocol.wording import did_you_mean, got, listed, number, printable

LONGEST_PROBLEM = 1200
"""Characters of a message, whatever it speaks of."""
_LONGEST_KEY = 200


class FolderProblem(ValueError):
    """An AVI's folder cannot become a release."""

    def __init__(
        self,
        file: str,
        message: str,
        *,
        key: str = "",
        place: tuple[str | int, ...] = (),
        line: int | None = None,
        column: int | None = None,
    ) -> None:
        self.file = printable(file, _LONGEST_KEY)
        self.message = printable(message, LONGEST_PROBLEM - 3 * _LONGEST_KEY)
        self.key = printable(key, _LONGEST_KEY)
        where = ", ".join(
            [self.file, *([f"line {line}"] if line else []), *([f"column {column}"] if column else [])]
        )
        super().__init__(": ".join(filter(None, [where, self.key, self.message])))
        self.place = place or tuple(filter(None, key.split(".")))
        """The key's parts: names of tables, numbers in lists."""

    def at(self, line: int | None) -> "FolderProblem":
        """Return the same problem with its line."""
        return FolderProblem(self.file, self.message, key=self.key, place=self.place, line=line)


_SENTENCES = {
    "string_type": "must be text in quotes",
    "string_unicode": "must be text in UTF-8",
    "string_too_long": "must have at most {max_length} characters",
    "string_too_short": "must have at least {min_length} characters",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "must be a whole number that is not so large",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a number, neither nan nor infinite",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "list_type": "must be a list, in [ ]",
    "dict_type": "must be a table",
    "model_type": "must be a table",
    "too_long": "must have at most {max_length} entries",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "literal_error": "must be {expected}",
    "invalid-json-value": "must be text in quotes, a number, true or false",
}
"""Pydantic's types of errors -> what would be accepted; `got …` follows."""


def problem_of(
    file: str, error: ValidationError, model: type[BaseModel], *, within: str = ""
) -> FolderProblem:
    """Return the first complaint of pydantic in words that name the key and what would be accepted."""
    first = error.errors(include_url=False)[0]
    place = tuple(part for part in first["loc"] if part != "[key]")
    key = ".".join(filter(None, [within, *map(str, place)]))
    whole = (*filter(None, within.split(".")), *place)
    if first["type"] == "extra_forbidden":
        message = _unknown(first, _accepted(model, place[:-1]))
    else:
        message = _sentence(first, key)
    return FolderProblem(file, message, key=key, place=whole)


def _unknown(error: ErrorDetails, accepted: list[str]) -> str:
    value = error["input"]
    is_table = isinstance(value, dict) or (
        isinstance(value, list) and any(isinstance(v, dict) for v in value)
    )
    meant = did_you_mean(str(error["loc"][-1]), accepted)
    return f"unknown {'table' if is_table else 'key'}; accepted here: {listed(accepted)}{meant}"


def _sentence(error: ErrorDetails, key: str) -> str:
    kind, value = error["type"], error["input"]
    context = {name: number(of) if isinstance(of, float) else of for name, of in error.get("ctx", {}).items()}
    if kind == "missing":
        return f'must be given, as in `{key.rpartition(".")[2]} = "..."`'
    if kind == "string_pattern_mismatch":
        return f"must be {PATTERN_WORDS.get(context['pattern'], context['pattern'])}; got {got(value)}"
    if kind in ("string_too_long", "too_long"):
        return f"{_SENTENCES[kind].format(**context)}; it has {len(value)}"
    if kind in _SENTENCES:
        return f"{_SENTENCES[kind].format(**context)}; got {got(value)}{_as_table(error, key)}"
    # Words of a validator of ours, before which pydantic puts its own.
    words = str(error["msg"]).removeprefix("Value error, ")
    return words[:1].lower() + words[1:]


def _as_table(error: ErrorDetails, key: str) -> str:
    """Return how a table is written, where something else was given in its place, or one for a list of them."""
    if error["type"] in ("dict_type", "model_type"):
        in_list = isinstance(error["loc"][-1], int)
        return ": write it as { key = value }" if in_list else f": write it as [{key}], and its keys below"
    is_table_for_list = error["type"] == "list_type" and isinstance(error["input"], dict)
    return f": write it as [[{key}]]" if is_table_for_list else ""


def _accepted(model: type[BaseModel], place: tuple[int | str, ...]) -> list[str]:
    """Return the keys of the table at a place in a manifest."""
    inner: Any = model
    for part in place:
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            inner = inner.model_fields[str(part)].annotation if part in inner.model_fields else None
        elif get_origin(inner) in {list, dict}:
            inner = get_args(inner)[-1]
    return list(inner.model_fields) if isinstance(inner, type) and issubclass(inner, BaseModel) else []
