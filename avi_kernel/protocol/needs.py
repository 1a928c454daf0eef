"""The notebooks that a pipeline needs: they run before it, in the same job."""

from graphlib import CycleError, TopologicalSorter

from avi_kernel.protocol.layout import MANIFEST_FILE
from avi_kernel.protocol.manifest import Manifest, PipelineSpec
from avi_kernel.protocol.parameters import MOST_PARAMETERS
from avi_kernel.protocol.problems import FolderProblem
from avi_kernel.protocol.wording import did_you_mean, listed


def with_steps(found: dict[str, PipelineSpec], manifest: Manifest) -> list[PipelineSpec]:
    """Give each pipeline the notebooks it needs, in order, and their parameters after its own.

    Raises
    ------
    FolderProblem
        There is no such notebook, or they need one another in a circle.
    """
    needs = {name: details.needs for name, details in manifest.pipelines.items() if details.needs}
    _check_needs(needs, found)
    return [_with_its_steps(spec, needs, found) for spec in found.values()]


def _with_its_steps(
    spec: PipelineSpec, needs: dict[str, list[str]], found: dict[str, PipelineSpec]
) -> PipelineSpec:
    order: dict[str, None] = {}
    _put_in_order(spec.name, needs, order)
    steps = [found[name] for name in order if name != spec.name]
    parameters = {p.name: p for step in [spec, *steps][::-1] for p in step.parameters}
    own_first = {p.name: parameters[p.name] for step in [spec, *steps] for p in step.parameters}
    if len(own_first) > MOST_PARAMETERS:
        raise FolderProblem(
            spec.path,
            f"has {len(own_first)} parameters with those of the notebooks it needs; "
            f"at most {MOST_PARAMETERS} are accepted",
        )
    changes = {"steps": [step.path for step in steps], "parameters": list(own_first.values())}
    return spec.model_copy(update=changes)


def _check_needs(needs: dict[str, list[str]], found: dict[str, PipelineSpec]) -> None:
    for name, needed in needs.items():
        key = f"pipelines.{name}.needs"
        for one in [name, *needed]:
            if one not in found:
                raise FolderProblem(
                    MANIFEST_FILE,
                    f"there is no pipeline {one!r}; found: {listed(found)}{did_you_mean(one, found)}",
                    key=key,
                )
            if found[one].kind != "notebook":
                raise FolderProblem(
                    MANIFEST_FILE,
                    f"{found[one].path} is a Luigi task, and only notebooks need notebooks; what a task needs, its own `requires` says",
                    key=key,
                )
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as error:
        circle = error.args[1][::-1]
        raise FolderProblem(
            MANIFEST_FILE,
            f"the pipelines need one another in a circle: {' -> '.join(circle)}; leave one of them out",
            key=f"pipelines.{circle[0]}.needs",
        ) from None


def _put_in_order(name: str, needs: dict[str, list[str]], order: dict[str, None]) -> None:
    """Add what a pipeline needs and itself, each once: needs first, and those in the order of the manifest."""
    for needed in needs.get(name, []):
        if needed not in order:
            _put_in_order(needed, needs, order)
    order[name] = None
