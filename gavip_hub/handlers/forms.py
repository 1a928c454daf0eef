"""A pipeline's form as the portal shows it: what was declared, what was typed, what is wrong with it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Self

from pydantic import JsonValue

from avi_kernel.protocol.api import JobSubmit
from avi_kernel.protocol.form_fields import PREFIX, Field, as_text
from avi_kernel.protocol.manifest import MOST_MEMORY_MB, PipelineSpec
from avi_kernel.protocol.provenance import Offer
from avi_kernel.protocol.releases import ReleaseView
from gavip_hub.exceptions import GavipError, NotFound

LEAST_MEMORY_MB = 32
LONGEST_ID = 64


@dataclass(frozen=True, kw_only=True)
class MemoryField:
    """The memory that a user may choose over what is proposed."""

    pipeline: str
    text: str = ""
    problem: str = ""

    @property
    def id(self) -> str:
        """Unique among all forms of a page."""
        return f"{self.pipeline}-memory"

    def check(self) -> int | None:
        """Return the chosen MB, or None.

        Raises
        ------
        ValueError
            With what would be accepted.
        """
        if not self.text:
            return None
        digits = self.text.replace("\N{NARROW NO-BREAK SPACE}", "").replace(" ", "")
        if not digits.isascii() or not digits.isdigit() or len(digits) > len(str(MOST_MEMORY_MB)):
            raise ValueError(f"must be a whole number of MB, or empty; got {self.text[:40]!r}")
        if int(digits) < LEAST_MEMORY_MB:
            raise ValueError(f"must be at least {LEAST_MEMORY_MB} MB; got {digits}")
        if int(digits) > MOST_MEMORY_MB:
            raise ValueError(f"must be at most {MOST_MEMORY_MB} MB; got {digits}")
        return int(digits)


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What is wrong with one field, and where that is."""

    id: str
    words: str


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """What is proposed for memory."""

    sentence: str = ""
    placeholder: str = ""
    is_later: bool = False
    """Whether the page asks for it once it is shown."""


LATER = Proposal(sentence="Past runs tell how much is proposed.", is_later=True)


@dataclass(frozen=True, kw_only=True)
class PipelineForm:
    """One pipeline of a release, ready to be asked or asked again."""

    avi: str
    version: str
    pipeline: PipelineSpec
    fields: list[Field] = field(default_factory=list)
    memory: MemoryField
    proposal: Proposal = Proposal()
    again_of: str = ""
    again_with_more_memory: bool = False
    problem: str = ""
    by_link: bool = False
    """Whether a link filled it, rather than who looks at it."""
    offer: Offer | None = None
    """What was run before of the same, to be looked at instead."""
    files: list[str] = field(default_factory=list)
    """Some of the asker's files, to pick one from."""
    chosen: str = ""
    """The parameter for which a file was chosen just now: its reader is led back to that field."""

    @classmethod
    def fresh(
        cls,
        release: ReleaseView,
        pipeline: PipelineSpec,
        *,
        values: Mapping[str, JsonValue] | None = None,
        memory_mb: int | None = None,
        again_of: str = "",
        again_with_more_memory: bool = False,
    ) -> Self:
        """Make the form with defaults, or with another job's values where that has them."""
        given = values or {}
        texts = {spec.name: as_text(given.get(spec.name, spec.default)) for spec in pipeline.parameters}
        memory = "" if memory_mb is None else str(memory_mb)
        form = cls._of(release, pipeline, texts, memory=memory, again_of=again_of)
        return replace(form, again_with_more_memory=again_with_more_memory)

    @classmethod
    def linked(cls, release: ReleaseView, pipeline: PipelineSpec, values: Mapping[str, str]) -> Self:
        """Make the form with what a link carries; what of that is not acceptable is told at its field."""
        given = {spec.name: values[spec.name] for spec in pipeline.parameters if spec.name in values}
        form = cls.fresh(release, pipeline, values=given)
        fields = [
            replace(item, problem=_problem(item)) if item.spec.name in given else item for item in form.fields
        ]
        return replace(form, fields=fields, by_link=bool(given))

    @classmethod
    def sent(cls, release: ReleaseView, pipeline: PipelineSpec, arguments: Mapping[str, str]) -> Self:
        """Make the form with what a person typed."""
        texts = {spec.name: arguments.get(PREFIX + spec.name, "") for spec in pipeline.parameters}
        memory = arguments.get("memory_mb", "").strip()
        form = cls._of(
            release, pipeline, texts, memory=memory, again_of=arguments.get("again_of", "")[:LONGEST_ID]
        )
        return replace(form, again_with_more_memory=arguments.get("again_with_more_memory") == "true")

    @classmethod
    def _of(
        cls,
        release: ReleaseView,
        pipeline: PipelineSpec,
        texts: Mapping[str, str],
        *,
        memory: str,
        again_of: str,
    ) -> Self:
        return cls(
            avi=release.avi,
            version=release.version,
            pipeline=pipeline,
            fields=[
                Field(pipeline=pipeline.name, spec=spec, text=texts[spec.name])
                for spec in pipeline.parameters
            ],
            memory=MemoryField(pipeline=pipeline.name, text=memory),
            again_of=again_of,
        )

    def checked(self) -> Self:
        """Return the form with every problem at its field, not only the first."""
        memory = replace(self.memory, problem=_problem(self.memory))
        fields = [replace(field, problem=_problem(field)) for field in self.fields]
        return replace(self, fields=fields, memory=memory)

    @property
    def valid(self) -> bool:
        """Whether a checked form has no problem."""
        return not (self.problem or self.memory.problem or any(field.problem for field in self.fields))

    @property
    def faults(self) -> list[Fault]:
        """Every problem of a field, in the order of the page."""
        of_fields = [
            Fault(id=item.id, words=f"{item.label} {item.problem}") for item in self.fields if item.problem
        ]
        if not self.memory.problem:
            return of_fields
        return [*of_fields, Fault(id=self.memory.id, words=f"Memory {self.memory.problem}")]

    @property
    def takes_files(self) -> bool:
        """Whether a field asks for a file."""
        return any(item.spec.type == "file" for item in self.fields)

    @property
    def kept(self) -> dict[str, str]:
        """What was typed, for a page between two looks at the form to keep."""
        more_memory = "true" if self.again_with_more_memory else "false"
        own = {"memory_mb": self.memory.text, "again_with_more_memory": more_memory}
        own |= {"version": self.version, "again_of": self.again_of}
        return own | {item.name: item.text for item in self.fields}

    def file_field(self, name: str) -> Field:
        """Return the field of a parameter that takes a file.

        Raises
        ------
        gavip_hub.exceptions.NotFound
            There is no such parameter.
        """
        for item in self.fields:
            if item.spec.name == name and item.spec.type == "file":
                return item
        raise NotFound(f"{self.pipeline.name} has no parameter {name[:40]!r} that takes a file.")

    def with_file(self, name: str, path: str) -> Self:
        """Return the form with a file in one of its fields."""
        filled = replace(self.file_field(name), text=path)
        filled = replace(filled, problem=_problem(filled))
        fields = [filled if item.spec.name == name else item for item in self.fields]
        return replace(self, fields=fields, chosen=name)

    def values(self) -> dict[str, JsonValue]:
        """Return the typed values of those fields that are acceptable."""
        return {field.spec.name: field.check() for field in self.fields if not _problem(field)}

    def values_so_far(self) -> dict[str, JsonValue]:
        """Return the values of all fields: the defaults of those that are not acceptable."""
        return {item.spec.name: item.spec.default for item in self.fields} | self.values()

    def submission(self) -> JobSubmit:
        """Return what to ask of the service; call it on a valid form."""
        return JobSubmit(
            avi=self.avi,
            version=self.version,
            pipeline=self.pipeline.name,
            parameters=self.values(),
            memory_mb=self.memory.check(),
            again_with_more_memory=self.again_with_more_memory,
            again_of=self.again_of or None,
        )

    def refused(self, error: GavipError) -> Self:
        """Return the form with the service's own refusal, at the field where it names one."""
        name = (error.field or "").removeprefix("parameters.")
        message = error.message.removeprefix(f"{name}: ")
        if name == "memory_mb":
            return replace(self, memory=replace(self.memory, problem=f"is refused: {message}"))
        if name in {field.spec.name for field in self.fields}:
            fields = [
                replace(field, problem=message) if field.spec.name == name else field for field in self.fields
            ]
            return replace(self, fields=fields)
        return replace(self, problem=error.message)


def _problem(item: Field | MemoryField) -> str:
    try:
        item.check()
    except ValueError as error:
        return str(error)
    return ""
