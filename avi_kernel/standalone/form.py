"""A pipeline's form on the page of `gavip dev`."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

from pydantic import JsonValue

from avi_kernel.protocol.form_fields import PREFIX, Field, as_text
from avi_kernel.protocol.manifest import PipelineSpec


@dataclass(frozen=True, kw_only=True)
class Form:
    """One pipeline, ready to be asked or asked again."""

    pipeline: PipelineSpec
    fields: list[Field]

    @classmethod
    def fresh(cls, pipeline: PipelineSpec, values: Mapping[str, JsonValue] | None = None) -> Self:
        """Make it with the defaults, or with another job's values where that has them."""
        given = values or {}
        return cls._of(
            pipeline,
            {spec.name: as_text(given.get(spec.name, spec.default)) for spec in pipeline.parameters},
        )

    @classmethod
    def sent(cls, pipeline: PipelineSpec, arguments: Mapping[str, str]) -> Self:
        """Make it with what a person typed, and every problem at its field."""
        texts = {spec.name: arguments.get(PREFIX + spec.name, "") for spec in pipeline.parameters}
        form = cls._of(pipeline, texts)
        return replace(form, fields=[replace(each, problem=_problem(each)) for each in form.fields])

    @classmethod
    def _of(cls, pipeline: PipelineSpec, texts: Mapping[str, str]) -> Self:
        fields = [
            Field(pipeline=pipeline.name, spec=spec, text=texts[spec.name]) for spec in pipeline.parameters
        ]
        return cls(pipeline=pipeline, fields=fields)

    @property
    def faults(self) -> list[Field]:
        """The fields that are not acceptable."""
        return [each for each in self.fields if each.problem]

    def values(self) -> dict[str, JsonValue]:
        """Return the typed values; ask a form without faults."""
        return {each.spec.name: each.check() for each in self.fields}


def _problem(field: Field) -> str:
    try:
        field.check()
    except ValueError as error:
        return str(error)
    return ""
