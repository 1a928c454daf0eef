"""The mark on parameters: whether each has what a form needs to ask for it well, and the lines to write where it has not."""

from collections.abc import Iterable, Iterator

from avi_kernel.protocol.manifest import ParameterDetails, PipelineDetails, PipelineSpec, ReleaseSpec
from avi_kernel.protocol.parameters import ParameterSpec
from avi_kernel.protocol.scorecard import Mark

_NUMBERS = {"integer", "number"}
_MOST_LINES = 12
"""Parameters of which the lines are written out."""


def explained(release: ReleaseSpec) -> Mark:
    """Return the mark on the parameters of all pipelines that people run."""
    shown = [spec for spec in release.pipelines if not spec.hidden]
    count = len({(spec.name, parameter.name) for spec in shown for parameter in spec.parameters})
    if not count:
        return Mark(key="parameters", state="passed", sentence="There is no parameter to explain.")
    lacks = list(_lacks(release, shown))
    serious = any(words & {"help", "limits"} for _, _, words in lacks)
    if not lacks:
        return Mark(key="parameters", state="passed", sentence=f"{_all(count)} help and limits.")
    missing = [
        f"{pipeline.name}: {parameter.name} has no {' and no '.join(sorted(words))}"
        for pipeline, parameter, words in lacks
    ]
    return Mark(
        key="parameters",
        state="failed" if serious else "warning",
        sentence=f"{_short(missing)}.",
        change="In avi.toml:\n" + "\n".join(_lines(lacks[:_MOST_LINES])),
        details=missing,
    )


Lack = tuple[PipelineSpec, ParameterSpec, set[str]]


def _lacks(release: ReleaseSpec, shown: Iterable[PipelineSpec]) -> Iterator[Lack]:
    """Yield what is missing, each parameter once, though steps that are needed by many pipelines bring theirs to each."""
    told: set[str] = set()
    for spec in shown:
        details = release.manifest.pipelines.get(spec.name, PipelineDetails()).parameters
        for parameter in spec.parameters:
            words = _missing(parameter, details.get(parameter.name))
            if words and parameter.name not in told:
                told.add(parameter.name)
                yield spec, parameter, words


def _missing(parameter: ParameterSpec, details: ParameterDetails | None) -> set[str]:
    missing = set() if parameter.help else {"help"}
    if parameter.type in _NUMBERS and not parameter.choices:
        if parameter.minimum is None or parameter.maximum is None:
            missing.add("limits")
        # A number may have none, which its author can say: unit = "".
        said = bool(parameter.unit) or (details is not None and "unit" in details.model_fields_set)
        if parameter.type == "number" and not said:
            missing.add("unit")
    return missing


def _lines(lacks: Iterable[Lack]) -> Iterator[str]:
    for spec, parameter, words in lacks:
        yield f"[pipelines.{spec.name}.parameters.{parameter.name}]"
        if "help" in words:
            yield 'help = "One sentence for the form."'
        if "limits" in words and parameter.minimum is None:
            yield f"minimum = {_beside(parameter, 0)}"
        if "limits" in words and parameter.maximum is None:
            yield f"maximum = {_beside(parameter, 10)}"
        if "unit" in words:
            yield 'unit = "deg"  # its own; "" where it has none'


def _beside(parameter: ParameterSpec, times: int) -> str:
    """Return a limit to begin with, from the default."""
    default = parameter.default
    if not isinstance(default, int | float) or isinstance(default, bool) or not default:
        return str(times)
    # The other way round below zero: a limit must let the default pass.
    return f"{default * (times if default > 0 else 10 - times):g}"


def _all(count: int) -> str:
    return "The parameter has" if count == 1 else f"Each of its {count} parameters has"


def _short(missing: list[str]) -> str:
    more = len(missing) - 3
    return "; ".join(missing[:3]) + (f"; and {more} more" if more > 0 else "")
