"""Refuse a release whose memory expressions could never be evaluated: its author can mend it, its users cannot."""

from avi_kernel.protocol.manifest import PipelineSpec, ReleaseSpec
from avi_kernel.protocol.memory import BadExpression, check_expression
from gavip_hub.exceptions import BadManifest


def require_memory_expressions(spec: ReleaseSpec) -> None:
    """Check the memory expressions of all pipelines.

    Raises
    ------
    gavip_hub.exceptions.BadManifest
        Naming the pipeline and what is wrong with its expression.
    """
    for pipeline in spec.pipelines:
        memory = pipeline.resources.memory
        if isinstance(memory, str):
            _require(pipeline, memory)


def _require(pipeline: PipelineSpec, expression: str) -> None:
    numbers = {
        parameter.name: parameter.default if isinstance(parameter.default, int | float) else None
        for parameter in pipeline.parameters
        if parameter.type in ("integer", "number")
    }
    try:
        check_expression(expression, numbers)
    except BadExpression as error:
        key = f"pipelines.{pipeline.name}.memory"
        raise BadManifest(f"avi.toml: {key}: {error}", field=key) from None
