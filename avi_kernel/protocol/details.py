"""What `avi.toml` adds to what notebooks and tasks declare: it has to fit them."""

from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from avi_kernel.protocol.expressions import BadExpression, check_expression
from avi_kernel.protocol.layout import MANIFEST_FILE
from avi_kernel.protocol.manifest import ParameterDetails, PipelineSpec
from avi_kernel.protocol.parameters import ParameterSpec
from avi_kernel.protocol.problems import FolderProblem, problem_of
from avi_kernel.protocol.wording import did_you_mean, listed, number, shown

_NUMBERS = ("integer", "number")
_TEXTS = ("string", "file")


def merged(
    pipeline: str, declared: Sequence[ParameterSpec], details: dict[str, ParameterDetails]
) -> list[ParameterSpec]:
    """Return the declared parameters with what the manifest says of them.

    Raises
    ------
    FolderProblem
        It speaks of a parameter that is not declared, or what it says does not fit.
    """
    names = [spec.name for spec in declared]
    for name in details:
        if name not in names:
            raise FolderProblem(
                MANIFEST_FILE,
                f"the pipeline declares no such parameter; it has: {listed(names)}{did_you_mean(name, names)}",
                key=f"pipelines.{pipeline}.parameters.{name}",
            )
    return [_with_details(pipeline, spec, details.get(spec.name)) for spec in declared]


def _with_details(pipeline: str, spec: ParameterSpec, details: ParameterDetails | None) -> ParameterSpec:
    if details is None:
        return spec
    key = f"pipelines.{pipeline}.parameters.{spec.name}"
    added = details.model_dump(exclude_unset=True, exclude_none=True)
    _check_type(spec, added, key)
    wanted = spec.model_copy(update=added)
    _check_limits(wanted, key)
    _check_choices(wanted, key)
    _check_default(wanted, key, list(added))
    try:
        return ParameterSpec.model_validate(wanted.model_dump())
    except ValidationError as error:
        raise problem_of(MANIFEST_FILE, error, ParameterSpec, within=key) from None


def _check_type(spec: ParameterSpec, added: dict[str, Any], key: str) -> None:
    if "type" in added and spec.type not in _TEXTS:
        raise FolderProblem(
            MANIFEST_FILE,
            f"only a text can be a file, and this parameter is a {spec.type}: annotate it `Path` where it is declared",
            key=f"{key}.type",
        )


def _check_limits(spec: ParameterSpec, key: str) -> None:
    low, high = spec.minimum, spec.maximum
    if spec.type not in _NUMBERS and (low is not None or high is not None):
        name = "maximum" if low is None else "minimum"
        raise FolderProblem(
            MANIFEST_FILE,
            f"only a number has limits, and this parameter is a {spec.type}; `choices` limits it too",
            key=f"{key}.{name}",
        )
    if low is not None and high is not None and low > high:
        raise FolderProblem(
            MANIFEST_FILE,
            f"{number(low)} is above the maximum, {number(high)}: exchange them, or leave one out",
            key=f"{key}.minimum",
        )


def _check_choices(spec: ParameterSpec, key: str) -> None:
    alone = spec.model_copy(update={"choices": []})
    for choice in spec.choices:
        try:
            is_same = alone.check(choice) == choice
        except ValueError as error:
            raise FolderProblem(MANIFEST_FILE, f"each choice {error}", key=f"{key}.choices") from None
        if not is_same:
            message = f"each choice must be of type {spec.type}, as the parameter is; got {shown(choice)}"
            raise FolderProblem(MANIFEST_FILE, message, key=f"{key}.choices")


def _check_default(spec: ParameterSpec, key: str, added: Sequence[str]) -> None:
    """Refuse a default, which the notebook declares, that the manifest's own limits refuse."""
    if spec.default is None:
        return
    for name in (name for name in ("minimum", "maximum", "choices") if name in added):
        cleared: dict[str, Any] = {"minimum": None, "maximum": None, "choices": []}
        cleared.pop(name)
        try:
            spec.model_copy(update=cleared).check(spec.default)
        except ValueError as error:
            message = f"the default, declared beside the pipeline's code, {error}: change one of the two"
            raise FolderProblem(MANIFEST_FILE, message, key=f"{key}.{name}") from None


def check_memory(pipelines: Sequence[PipelineSpec]) -> None:
    """Refuse memory expressions that could never be evaluated: their author can mend them, their users cannot.

    Raises
    ------
    FolderProblem
        Naming the pipeline and what is wrong with its expression.
    """
    for pipeline in pipelines:
        memory = pipeline.resources.memory
        numbers = {
            parameter.name: parameter.default if isinstance(parameter.default, int | float) else None
            for parameter in pipeline.parameters
            if parameter.type in _NUMBERS
        }
        try:
            if isinstance(memory, str):
                check_expression(memory, numbers)
        except BadExpression as error:
            raise FolderProblem(MANIFEST_FILE, str(error), key=f"pipelines.{pipeline.name}.memory") from None
