"""A release whose memory expressions can never work is refused when it is made."""

import pytest

from avi_kernel.protocol.manifest import Manifest, PipelineSpec, ReleaseSpec, Resources
from avi_kernel.protocol.parameters import ParameterSpec
from gavip_hub.exceptions import BadManifest
from gavip_hub.services.memory_checks import require_memory_expressions


def spec(memory):
    parameters = [
        ParameterSpec(name="n", type="integer", default=3),
        ParameterSpec(name="title", default="M31"),
    ]
    pipeline = PipelineSpec(
        name="plot",
        kind="notebook",
        path="p.ipynb",
        parameters=parameters,
        resources=Resources(memory=memory),
    )
    return ReleaseSpec(manifest=Manifest(), pipelines=[pipeline])


@pytest.mark.parametrize("memory", [None, 300, "100 + 20 * n"])
def test_what_works_passes(memory):
    require_memory_expressions(spec(memory))


@pytest.mark.parametrize("memory", ["100 * title", "100 * m", "n +", "open('x')"])
def test_what_never_works_is_refused_with_its_key(memory):
    with pytest.raises(BadManifest, match=r"avi\.toml: pipelines\.plot\.memory") as refused:
        require_memory_expressions(spec(memory))
    assert refused.value.field == "pipelines.plot.memory"
