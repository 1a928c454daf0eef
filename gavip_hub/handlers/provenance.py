"""Where jobs' results are from, and jobs run again."""

from functools import partial
from typing import BinaryIO

from typing_extensions import override

from avi_kernel.protocol.api import JobView, Profile
from avi_kernel.protocol.provenance import AgainView, ComparisonView, InputView, ProvenanceView, RunAgain
from gavip_hub.exceptions import (
    BadParameter,
    Conflict,
    NoRoom,
    NotFound,
    QueueFull,
    SpaceFull,
    TooLarge,
    Withdrawn,
)
from gavip_hub.handlers.chains import CRATE, PROV_JSON, ZIP, ChainApi
from gavip_hub.handlers.context import PREFIX
from gavip_hub.handlers.downloads import send_pieces
from gavip_hub.handlers.jobs import READ, SUBMIT, JobApi
from gavip_hub.handlers.operations import ApiHandler, operation
from gavip_hub.services import provenance_export as export


class JobProvenance(JobApi):
    """The chain of a job back to the archive."""

    path = "/jobs/{id}/provenance"

    @override
    @operation(
        id="jobs.provenance",
        summary="Tell where a job's results are from",
        scope=READ,
        returns=ProvenanceView,
        errors=(NotFound,),
    )
    async def get(self, id: str) -> ProvenanceView:
        """Return things, activities, people, and how they hang together."""
        return await self.with_job(self.services.provenance.of_job, id)


class JobChain(JobApi, ChainApi):
    """Whatever tells where a job's results are from, in the words of others."""

    async def crate(self, id: str) -> export.CrateOf:  # noqa: A002  # as of the address
        """Return what the crate of a job is made of."""
        view = await self.with_job(self.services.provenance.of_job, id)
        job: JobView = await self.with_job(self.services.jobs.get, id)
        workflow = await self.workflow(
            avi=job.avi, version=job.version, pipeline=job.pipeline, parameters=job.parameters
        )
        return export.CrateOf(view=view, base=self.base, workflow=workflow)


class JobProv(JobChain):
    """The chain in W3C PROV."""

    path = "/jobs/{id}/prov"

    @override
    @operation(
        id="jobs.prov",
        summary="Tell where a job's results are from, as W3C PROV-JSON with IVOA terms",
        scope=READ,
        media_type=PROV_JSON,
        errors=(NotFound,),
    )
    async def get(self, id: str) -> None:
        """Send it as a file."""
        await self.send_prov(await self.with_job(self.services.provenance.of_job, id), id)


class JobCrate(JobChain):
    """The chain as a research object."""

    path = "/jobs/{id}/crate"

    @override
    @operation(
        id="jobs.crate",
        summary="Tell where a job's results are from, as metadata of a Workflow Run RO-Crate",
        scope=READ,
        media_type=CRATE,
        errors=(NotFound,),
    )
    async def get(self, id: str) -> None:
        """Send `ro-crate-metadata.json`."""
        await self.send_crate(await self.crate(id))


class JobCrateFiles(JobChain):
    """The chain as a research object, results and all."""

    is_stream = True
    path = "/jobs/{id}/crate/files"

    @override
    @operation(
        id="jobs.archive",
        summary="Download a job's results as a Workflow Run RO-Crate, a zip",
        scope=READ,
        media_type=ZIP,
        errors=(NotFound, NoRoom),
    )
    async def get(self, id: str) -> None:
        """Send it piece by piece."""
        profile = self.require()
        with self.context.reads.one(profile):
            opened = partial(self._open, profile, id)
            pieces = export.crate_pieces(await self.crate(id), open_result=opened)
            await send_pieces(self, pieces, name=f"{id}.crate.zip", media_type=ZIP)

    def _open(self, profile: Profile, job: str, name: str) -> BinaryIO:
        found = self.services.results.open(owner=profile.name, job=job, name=name, avi=profile.avi)
        return found.file


class JobInputs(JobApi):
    """Files that a job reads."""

    path = "/jobs/{id}/inputs"

    @override
    @operation(
        id="jobs.inputs",
        summary="List the files that a job reads, with their hashes",
        scope=READ,
        returns=list[InputView],
        errors=(NotFound,),
    )
    async def get(self, id: str) -> list[InputView]:
        """Return them by parameter."""
        return await self.with_job(self.services.provenance.inputs, id)


class JobAgain(JobApi):
    """Run a job again."""

    path = "/jobs/{id}/again"

    @override
    @operation(
        id="jobs.same",
        summary="Tell whether a job's inputs are what they were",
        scope=READ,
        returns=AgainView,
        errors=(NotFound, NoRoom),
    )
    async def get(self, id: str) -> AgainView:
        """Return what differs now, before it is run again."""
        profile = self.require()
        found: AgainView = await self.looking_whole(
            self.services.again.look, owner=profile.name, job=id, avi=profile.avi
        )
        return found

    @override
    @operation(
        id="jobs.again",
        summary="Run a job again: same release, parameters and inputs",
        scope=SUBMIT,
        body=RunAgain,
        returns=JobView,
        status=201,
        errors=(NotFound, Withdrawn, Conflict, BadParameter, TooLarge, NoRoom, QueueFull, SpaceFull),
    )
    async def post(self, id: str, body: RunAgain) -> JobView:
        """Submit it; what comes of it is compared with what had come before."""
        profile = self.require()
        job: JobView = await self.looking_whole(
            self.services.again.run,
            owner=profile.name,
            groups=profile.groups,
            job=id,
            avi=profile.avi,
            even_if_inputs_differ=body.even_if_inputs_differ,
        )
        self.set_header("Location", f"{PREFIX}/api/jobs/{job.id}")
        return job


class JobComparison(JobApi):
    """How a job that was run again compares."""

    path = "/jobs/{id}/comparison"

    @override
    @operation(
        id="jobs.comparison",
        summary="Tell whether a job that was run again made the same",
        scope=READ,
        returns=ComparisonView,
        errors=(NotFound,),
    )
    async def get(self, id: str) -> ComparisonView:
        """Return `reproduced`, or what differs and what was not as before."""
        return await self.with_job(self.services.provenance.comparison, id)


HANDLERS: tuple[type[ApiHandler], ...] = (
    JobProvenance,
    JobProv,
    JobCrate,
    JobCrateFiles,
    JobInputs,
    JobAgain,
    JobComparison,
)
