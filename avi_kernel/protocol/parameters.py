"""Parameters of a pipeline: what an author declares and what a user may give."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, JsonValue, model_validator

from avi_kernel.protocol.base import NAME_PATTERN, STORABLE, Line, Paragraph, Wire, require_storable
from avi_kernel.protocol.input_files import file_path
from avi_kernel.protocol.wording import did_you_mean, listed, number, printable, shown

type_names = ("integer", "number", "string", "boolean", "file")
ParameterType = Literal["integer", "number", "string", "boolean", "file"]
ParameterName = Annotated[str, Field(pattern=NAME_PATTERN)]

Unit = Annotated[str, Field(max_length=40), STORABLE]
Limit = Annotated[float, Field(allow_inf_nan=False)]
Choices = Annotated[list[JsonValue], Field(max_length=200)]

MOST_PARAMETERS = 200
"""Of one pipeline."""
LONGEST_TEXT = 20_000
LARGEST_INTEGER = 2**63 - 1
"""As Python, archives and databases keep whole numbers: Gaia's source ids need nearly all of it."""


class ParameterSpec(Wire):
    """One declared parameter, with what a form needs to ask for it well."""

    name: ParameterName
    type: ParameterType = "string"
    default: JsonValue = None
    title: Line = ""
    help: Paragraph = ""
    unit: Unit = ""
    minimum: Limit | None = None
    maximum: Limit | None = None
    choices: Choices = []
    optional: bool = False
    """It may be left out, and is None then: what that means, its author says."""

    @property
    def required(self) -> bool:
        """Whether the user must give a value: no default was declared."""
        return self.default is None and not self.optional

    @model_validator(mode="after")
    def _default_is_legal(self) -> Self:
        if self.default is not None:
            try:
                self.check(self.default)
            except ValueError as error:
                raise ValueError(f"the default {error}") from None
        return self

    def check(self, value: Any) -> JsonValue:
        """Return the value as this parameter's type.

        Parameters
        ----------
        value
            What a user gave: a JSON value, or text from a form or a command line.

        Raises
        ------
        ValueError
            With a sentence that says what would be accepted.
        """
        typed = _convert(value, self.type)
        if self.choices and typed not in self.choices:
            raise ValueError(f"must be one of {listed(map(str, self.choices))}; got {shown(value)}")
        if isinstance(typed, int | float) and not isinstance(typed, bool):
            self._check_range(typed)
        return typed

    def _check_range(self, value: float) -> None:
        unit = f" {self.unit}" if self.unit else ""
        if self.minimum is not None and value < self.minimum:
            raise ValueError(f"must be at least {number(self.minimum)}{unit}; got {number(value)}")
        if self.maximum is not None and value > self.maximum:
            raise ValueError(f"must be at most {number(self.maximum)}{unit}; got {number(value)}")


def _convert(value: Any, kind: ParameterType) -> JsonValue:
    match kind:
        case "boolean":
            return _to_boolean(value)
        case "integer":
            return _to_integer(value)
        case "number":
            return _to_number(value)
        case "string":
            return _to_text(value)
        case "file":
            return file_path(_to_text(value))


def _to_boolean(value: Any) -> bool:
    words = {
        "true": True,
        "yes": True,
        "on": True,
        "1": True,
        "false": False,
        "no": False,
        "off": False,
        "0": False,
    }
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().lower() in words:
        return words[value.strip().lower()]
    raise ValueError(f"must be true or false; got {shown(value)}")


def _to_integer(value: Any) -> int:
    try:
        if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
            raise ValueError  # noqa: TRY301 - one message for all the ways of being no integer
        number = int(value)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"must be a whole number; got {shown(value)}") from None
    if abs(number) > LARGEST_INTEGER:
        raise ValueError(f"must be a whole number of at most {LARGEST_INTEGER}; got {shown(value)}")
    return number


def _to_number(value: Any) -> float:
    try:
        number = float(value) if not isinstance(value, bool) else float("nan")
    except (TypeError, ValueError, OverflowError):
        number = float("nan")
    if number != number or number in (float("inf"), float("-inf")):  # noqa: PLR0124 - NaN
        raise ValueError(f"must be a number; got {shown(value)}")
    return number


def _to_text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"must be text; got {shown(value)}")  # noqa: TRY004 - one error kind for callers
    if len(value) > LONGEST_TEXT:
        raise ValueError(f"must be at most {LONGEST_TEXT} characters; got {len(value)}")
    return require_storable(value)


class ParameterProblem(Exception):
    """A parameter is unknown, missing or not acceptable."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def check_parameters(specs: list[ParameterSpec], given: Mapping[str, Any]) -> dict[str, JsonValue]:
    """Return every declared parameter with the user's value or its default; an optional one may be left out.

    Only declared names pass: papermill writes names into code unescaped, so a name is never a user's.

    Raises
    ------
    ParameterProblem
        Naming the first parameter that is unknown, missing or out of bounds.
    """
    known = {spec.name: spec for spec in specs}
    for name in given:
        if name not in known:
            meant = did_you_mean(name, known)
            raise ParameterProblem(
                printable(name), f"unknown parameter; this pipeline accepts: {listed(known)}{meant}"
            )
    checked = {name: _checked(spec, given) for name, spec in known.items()}
    return {name: value for name, value in checked.items() if value is not None}


def _checked(spec: ParameterSpec, given: Mapping[str, Any]) -> JsonValue:
    value = given.get(spec.name, spec.default)
    if spec.optional and value in (None, ""):
        return None
    if value is None:
        raise ParameterProblem(spec.name, "is required and has no default")
    try:
        return spec.check(value)
    except ValueError as error:
        raise ParameterProblem(spec.name, str(error)) from None
