"""What a request for a job comes to, once its release has been read: parameters checked, memory chosen."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from pydantic import JsonValue

from avi_kernel.protocol.api import JobSubmit, MemorySource
from avi_kernel.protocol.check_needs import memory_for_check
from avi_kernel.protocol.manifest import PipelineSpec, ReleaseSpec
from avi_kernel.protocol.parameters import ParameterProblem, check_parameters
from avi_kernel.protocol.releases import ReleaseView
from gavip_hub.config import Gavip
from gavip_hub.domain.container import Kind
from gavip_hub.domain.job import BUILD, CHECK
from gavip_hub.domain.quota import Want
from gavip_hub.exceptions import BadParameter, TooLarge
from gavip_hub.services.proposals import MemoryProposals
from gavip_hub.services.quotas import QuotaService
from gavip_hub.storage.schema import Release


@dataclass(frozen=True, kw_only=True)
class JobOrder:
    """A job as it will be kept, before it has an owner."""

    avi: str
    version: str
    commit: str
    pipeline: str
    title: str
    parameters: dict[str, JsonValue]
    memory_mb: int
    memory_source: MemorySource
    cpu: float
    time_limit: int

    def columns(self) -> dict[str, Any]:
        """Return its values by the names of the table's columns."""
        return asdict(self)


def order_for(
    request: JobSubmit,
    release: ReleaseView,
    *,
    quotas: QuotaService,
    proposals: MemoryProposals,
    owner: str,
    groups: Sequence[str],
) -> JobOrder:
    """Check a request against its release and the pools.

    Raises
    ------
    gavip_hub.exceptions.BadParameter
        The pipeline or a parameter is not acceptable.
    gavip_hub.exceptions.TooLarge
        It asks for more than a pool can ever hold.
    """
    pipeline = pipeline_of(release, request.pipeline)
    parameters = _checked(pipeline, request.parameters)
    source: MemorySource = "user"
    memory_mb = request.memory_mb
    if memory_mb is None:
        found = proposals.propose(
            owner=owner, groups=groups, avi=release.avi, pipeline=pipeline, parameters=parameters
        )
        memory_mb, source = found.memory_mb, found.source
    cpu = pipeline.resources.cpu
    _require_possible(
        quotas, owner=owner, groups=groups, want=Want(kind=Kind.JOB, memory_mb=memory_mb, cpu=cpu)
    )
    return JobOrder(
        avi=release.avi,
        version=release.version,
        commit=release.commit,
        pipeline=pipeline.name,
        title=pipeline.title or pipeline.name,
        parameters=parameters,
        memory_mb=memory_mb,
        memory_source=source,
        cpu=cpu,
        time_limit=pipeline.resources.time_limit,
    )


def build_order(release: Release, config: Gavip) -> JobOrder:
    """Return the job that fetches the packages of a release."""
    return JobOrder(
        avi=release.avi,
        version=release.version,
        commit=release.commit,
        pipeline=BUILD,
        title=f"Packages of {release.avi} {release.version}",
        parameters={},
        memory_mb=config.environment_memory_mb,
        memory_source="default",
        cpu=1.0,
        time_limit=config.environment_seconds,
    )


def check_order(release: Release, config: Gavip, *, most_mb: int | None) -> JobOrder:
    """Return the job that tries a release.

    Parameters
    ----------
    most_mb
        What its submitter's pool can ever hold.
    """
    build = build_order(release, config)
    needed = memory_for_check(ReleaseSpec.model_validate(release.spec))
    limits = [config.check_memory_mb, *([] if most_mb is None else [most_mb])]
    return replace(
        build,
        pipeline=CHECK,
        title=f"Check of {release.avi} {release.version}",
        memory_mb=min(needed, *limits),
        time_limit=config.check_seconds,
    )


def pipeline_of(release: ReleaseView, name: str) -> PipelineSpec:
    """Return a pipeline that people may run.

    Raises
    ------
    gavip_hub.exceptions.BadParameter
        There is none of that name; the message lists those there are.
    """
    offered = {pipeline.name: pipeline for pipeline in release.spec.pipelines if not pipeline.hidden}
    if name not in offered:
        there = ", ".join(offered) or "none"
        raise BadParameter(
            f"{release.avi} {release.version} has no pipeline of that name; it has: {there}", field="pipeline"
        )
    return offered[name]


def _checked(pipeline: PipelineSpec, given: dict[str, JsonValue]) -> dict[str, JsonValue]:
    try:
        return check_parameters(pipeline.parameters, given)
    except ParameterProblem as problem:
        raise BadParameter(f"{problem.field}: {problem}", field=problem.field) from None


def _require_possible(quotas: QuotaService, *, owner: str, groups: Sequence[str], want: Want) -> None:
    try:
        quotas.require_possible(owner=owner, groups=groups, want=want)
    except TooLarge as error:
        raise TooLarge(f"the job {error.message}", field=error.field) from None
