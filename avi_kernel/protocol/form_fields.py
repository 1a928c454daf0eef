"""One field of a pipeline's form: what was declared, what was typed, and what is accepted, in words."""

from dataclasses import dataclass

from pydantic import JsonValue

from avi_kernel.protocol.parameters import ParameterSpec
from avi_kernel.protocol.wording import number

PREFIX = "p."
"""Before each parameter's name among the form's fields, so that it can never be one of the form's own."""
_LONG = 72
_WORDS = {
    "integer": "Whole number",
    "number": "Number",
    "string": "Text",
    "boolean": "",
    "file": "Path of a file from the top of your space, as data/stars.csv",
}


@dataclass(frozen=True, kw_only=True)
class Field:
    """One parameter: its declaration and its text."""

    pipeline: str
    spec: ParameterSpec
    text: str
    problem: str = ""

    @property
    def name(self) -> str:
        """Name among the form's fields."""
        return PREFIX + self.spec.name

    @property
    def id(self) -> str:
        """Unique among all forms of a page."""
        return f"{self.pipeline}-{self.spec.name}"

    @property
    def label(self) -> str:
        """What people call it."""
        return self.spec.title or self.spec.name

    @property
    def proposed(self) -> str:
        """What its author proposes, as the field would hold it."""
        return as_text(self.spec.default)

    @property
    def long(self) -> bool:
        """Whether a line is too short for it."""
        default = self.spec.default
        return (
            isinstance(default, str) and ("\n" in default or len(default) > _LONG) and not self.spec.choices
        )

    @property
    def numeric(self) -> str:
        """Which keyboard a phone shows; text inputs keep what was typed, number inputs do not."""
        negative = self.spec.minimum is None or self.spec.minimum < 0
        kind = {"integer": "numeric", "number": "decimal"}.get(self.spec.type, "")
        # Phones' number keyboards have no minus sign.
        return "" if negative else kind

    @property
    def choices(self) -> list[str]:
        """What a choice offers."""
        return [as_text(choice) for choice in self.spec.choices]

    @property
    def limits(self) -> str:
        """What is accepted, in words."""
        words = _WORDS[self.spec.type]
        parts = ["" if self.spec.choices else words + self._range(), self._default()]
        sentence = "; ".join(part for part in parts if part)
        return f"{sentence[0].upper()}{sentence[1:]}." if sentence else ""

    def _range(self) -> str:
        low, high = self.spec.minimum, self.spec.maximum
        unit = f" {self.spec.unit}" if self.spec.unit else ""
        if low is not None and high is not None:
            return f" from {number(low)} to {number(high)}{unit}"
        if low is not None:
            return f", {number(low)}{unit} or more"
        return f", {number(high)}{unit} or less" if high is not None else ""

    def _default(self) -> str:
        if self.spec.required:
            return "required"
        if self.spec.optional:
            return "may be empty"
        if self.long or self.spec.type == "boolean" or self.spec.default == "":
            return ""
        unit = f" {self.spec.unit}" if self.spec.unit else ""
        return f"default {as_text(self.spec.default)}{unit}"

    def check(self) -> JsonValue:
        """Return the typed value; None is that of an optional parameter left empty.

        Raises
        ------
        ValueError
            With what would be accepted.
        """
        if self.spec.required and not self.text:
            raise ValueError("is required")
        if self.spec.optional and not self.text:
            return None
        return self.spec.check(self.text)


def as_text(value: JsonValue) -> str:
    """Write a value as a form's field holds it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:.15g}" if isinstance(value, float) else str(value)
