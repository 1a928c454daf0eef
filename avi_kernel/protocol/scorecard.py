"""The scorecard of an AVI: what its check found, in marks that say what to change.

All texts in it come from a stranger's AVI, or quote it: they are cut to lengths that pages and terminals can show, and
what would move a cursor or turn the writing round is taken out, by the models themselves.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from avi_kernel.protocol.base import REPORTED, Count, Wire

MarkKey = Literal["installs", "interface", "tests", "repeatable", "parameters", "hosts", "time", "memory"]
MarkState = Literal["passed", "warning", "failed", "skipped"]
TITLES: dict[MarkKey, str] = {
    "installs": "Installs",
    "interface": "Interface renders",
    "tests": "Tests pass",
    "repeatable": "Repeatable",
    "parameters": "Parameters explained",
    "hosts": "Declared hosts only",
    "time": "Time",
    "memory": "Memory",
}
LARGEST_REPORT = 2 * 1024 * 1024
"""Bytes of a scorecard as JSON: what is larger was not written by the check."""
MOST_DETAILS = 20
MOST_RUNS = 100
MOST_CALLS = 100
_SENTENCE = 500
_CHANGE = 2000
_DETAIL = 2000
# Control characters but the end of a line, and what sets the direction of writing.
_UNSHOWN = re.compile(
    r"\x1b\[[0-9;?]*[ -/]*[@-~]|[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)


def _shown(most: int, *, lines: bool) -> Any:
    """Return what makes a reported text fit to be shown."""

    def shorten(text: object) -> object:
        if not isinstance(text, str):
            return text
        plain = _UNSHOWN.sub("", text.replace("\t", " "))
        plain = plain.strip("\n") if lines else " ".join(plain.split())
        return plain if len(plain) <= most else plain[: most - 1] + "…"

    return BeforeValidator(shorten)


def _at_most(count: int) -> Any:
    return AfterValidator(lambda items: items[:count])


Word = Annotated[str, Field(max_length=100), _shown(100, lines=False), REPORTED]
Sentence = Annotated[str, Field(max_length=_SENTENCE), _shown(_SENTENCE, lines=False), REPORTED]
Change = Annotated[str, Field(max_length=_CHANGE), _shown(_CHANGE, lines=True), REPORTED]
Detail = Annotated[str, Field(max_length=_DETAIL), _shown(_DETAIL, lines=True), REPORTED]
Seconds = Annotated[float, Field(ge=0, le=10**8, allow_inf_nan=False)]
Megabytes = Annotated[float, Field(ge=0, le=10**9, allow_inf_nan=False)]


class Mark(Wire):
    """One answer of the scorecard."""

    key: MarkKey
    state: MarkState
    sentence: Sentence
    """What was found."""
    change: Change = ""
    """What the author can do about it; lines of `avi.toml` stand in lines of their own."""
    details: Annotated[list[Detail], _at_most(MOST_DETAILS)] = []
    """Places, files, outputs of failing cells."""

    @property
    def title(self) -> str:
        """What the mark is about, in two or three words."""
        return TITLES[self.key]


class CheckedRun(Wire):
    """One run of an interface, or of a pipeline with the values of one test."""

    name: Word
    """Of the notebook or the pipeline."""
    test: Word = ""
    """Title of the test whose values it had."""
    seconds: Seconds
    memory_mb: Megabytes | None = None
    """The most that it held at once; None where this system does not tell."""
    asked_mb: Megabytes | None = None
    """What `avi.toml` asks for it."""


class HostCall(Wire):
    """A host that the AVI called, or tried to."""

    host: Annotated[str, Field(max_length=260), _shown(260, lines=False), REPORTED]
    port: Annotated[int, Field(ge=0, le=65535)] = 0
    """0: it was only looked up."""
    declared: bool
    """Whether `avi.toml` names it, or it is the archive."""
    times: Count = 1


class Scorecard(Wire):
    """What the check of one AVI found."""

    marks: Annotated[list[Mark], Field(max_length=len(TITLES))]
    """Each key once, in the order of `TITLES`."""
    runs: Annotated[list[CheckedRun], _at_most(MOST_RUNS)] = []
    hosts: Annotated[list[HostCall], _at_most(MOST_CALLS)] = []
    checked_at: datetime
    seconds: Seconds = 0.0
    """How long the check took."""
    python: Word = ""
    kernel: Word = ""
    """Version of `avi_kernel` that checked."""

    @model_validator(mode="after")
    def _has_every_mark_once(self) -> Self:
        if [mark.key for mark in self.marks] != list(TITLES):
            raise ValueError(f"must have the marks {', '.join(TITLES)}, each once and in this order")
        return self

    @property
    def passed(self) -> bool:
        """Whether nothing failed."""
        return not self.failed

    @property
    def failed(self) -> list[Mark]:
        """The marks that say that something is wrong."""
        return [mark for mark in self.marks if mark.state == "failed"]

    def count(self, state: MarkState) -> int:
        """Return how many marks have a state."""
        return sum(mark.state == state for mark in self.marks)

    def mark(self, key: MarkKey) -> Mark:
        """Return one mark."""
        return next(mark for mark in self.marks if mark.key == key)

    def with_mark(self, new: Mark) -> Self:
        """Return this scorecard with one of its marks replaced, as by who knows better than the check."""
        marks = [new if mark.key == new.key else mark for mark in self.marks]
        return self.model_copy(update={"marks": marks})

    def with_calls(self, calls: Sequence[HostCall]) -> Self:
        """Return this scorecard with the hosts that a box's own log tells of: code in a box can change what is told inside."""
        return self.with_mark(hosts_mark(calls)).model_copy(update={"hosts": list(calls)[:MOST_CALLS]})


def hosts_mark(calls: Iterable[HostCall]) -> Mark:
    """Return the mark on hosts, given every call."""
    known = list(calls)
    strange = sorted({call.host for call in known if not call.declared})
    if not strange:
        names = ", ".join(sorted({call.host for call in known}))
        return Mark(
            key="hosts",
            state="passed",
            sentence=f"It called {names}, as declared." if names else "It called no host.",
        )
    lines = ", ".join(f'"{host}"' for host in strange[:20])
    return Mark(
        key="hosts",
        state="failed",
        sentence=f"It called {', '.join(strange[:5])}{' and others' if len(strange) > 5 else ''}, "  # noqa: PLR2004 - what a sentence holds
        "which avi.toml does not declare: a box lets nothing through to them.",
        change=f"Remove the call, or declare the host at the top of avi.toml, beside those that stand there:\nhosts = [{lines}]",
        details=[
            f"{call.host}:{call.port or '-'}, {call.times} times" for call in known if not call.declared
        ],
    )


def unjudged(marks: Iterable[Mark], *, reason: str) -> list[Mark]:
    """Return all marks in their order; one that nobody made is skipped for this reason."""
    made = {mark.key: mark for mark in marks}
    keys: tuple[MarkKey, ...] = get_args(MarkKey)
    return [made.get(key) or Mark(key=key, state="skipped", sentence=reason) for key in keys]


def not_installed(message: str, change: str, *, checked_at: datetime) -> Scorecard:
    """Return the scorecard of an AVI of which nothing could be run: it cannot be read, or its packages not be installed."""
    mark = Mark(key="installs", state="failed", sentence=message, change=change)
    reason = "Not looked at: the AVI does not install."
    return Scorecard(marks=unjudged([mark], reason=reason), checked_at=checked_at)
