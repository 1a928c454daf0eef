"""What the check of a release takes, told before it is made."""

from avi_kernel.protocol.expressions import BadExpression, memory_of
from avi_kernel.protocol.manifest import PipelineDetails, PipelineSpec, ReleaseSpec

OWN_MB = 150
"""What the check itself holds beside the one run that it makes at a time."""
ROUNDS_MB = 500
"""What the rounds may hold that tell a leak from a cache."""
USUAL_MB = 512
"""What a run may need where nothing is asked for."""


def memory_for_check(release: ReleaseSpec) -> int:
    """Return the MB that a box needs in which a release is checked."""
    asked = [release.manifest.interface.memory if release.interface else 0]
    asked += [mb for spec in release.pipelines for mb in _asked(release, spec)]
    return OWN_MB + max(ROUNDS_MB, *asked)


def _asked(release: ReleaseSpec, spec: PipelineSpec) -> list[int]:
    """Return the MB that a pipeline asks for, with the values of each of its tests."""
    memory = spec.resources.memory
    if not isinstance(memory, str):
        return [memory or USUAL_MB]
    tests = release.manifest.pipelines.get(spec.name, PipelineDetails()).tests
    defaults = {parameter.name: parameter.default for parameter in spec.parameters}
    values = [{**defaults, **test.parameters} for test in tests] or [defaults]
    try:
        return [memory_of(memory, each) for each in values]
    except BadExpression:
        return [USUAL_MB]
