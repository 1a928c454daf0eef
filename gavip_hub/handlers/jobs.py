"""Jobs: submit, look, cancel, delete; their events, logs and results."""

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from pydantic import Field
from typing_extensions import override

from avi_kernel.protocol.api import (
    EventView,
    JobList,
    JobSubmit,
    JobView,
    LogPart,
    Phase,
    UsageView,
    WaitView,
)
from avi_kernel.protocol.base import MOST, Wire
from avi_kernel.protocol.manifest import Slug
from avi_kernel.protocol.previews import PreviewAsk, PreviewView
from avi_kernel.protocol.runs import ResultEntry
from gavip_hub.exceptions import (
    BadParameter,
    BadRequest,
    Conflict,
    Forbidden,
    NoRoom,
    NotFound,
    QueueFull,
    SpaceFull,
    TooLarge,
    Withdrawn,
)
from gavip_hub.handlers.context import PREFIX
from gavip_hub.handlers.downloads import Sent, send_file
from gavip_hub.handlers.operations import ApiHandler, operation
from gavip_hub.services.results import OpenResult

T = TypeVar("T")
READ = "custom:gavip:read:jobs"
SUBMIT = "custom:gavip:submit:jobs"
CANCEL = "custom:gavip:cancel:jobs"
DELETE = "custom:gavip:delete:jobs"


class JobQuery(Wire):
    """Which jobs."""

    before: Annotated[str, Field(max_length=64, description="Only jobs older than this one.")] | None = None
    limit: Annotated[int, Field(ge=1, le=200, description="Jobs in a page.")] = 50
    avi: Annotated[Slug, Field(description="Only jobs of this AVI.")] | None = None
    phase: Annotated[Phase, Field(description="Only jobs in this phase.")] | None = None


class LogQuery(Wire):
    """Which piece of a log."""

    offset: Annotated[
        int, Field(ge=-MOST, le=MOST, description="Bytes from the start; negative: from the end.")
    ] = 0


class EventQuery(Wire):
    """Which events."""

    after: Annotated[int, Field(ge=0, le=MOST, description="Only events after this one.")] = 0


class Jobs(ApiHandler):
    """All jobs of the asker."""

    path = "/jobs"

    @override
    @operation(
        id="jobs.list", summary="List your jobs, newest first", scope=READ, query=JobQuery, returns=JobList
    )
    async def get(self, query: JobQuery) -> JobList:
        """Return one page."""
        profile = self.require()
        found: JobList = await self.in_thread(
            self.services.jobs.page,
            owner=profile.name,
            before=query.before,
            limit=query.limit,
            avi=profile.avi or query.avi,
            phase=query.phase,
        )
        return found

    @override
    @operation(
        id="jobs.submit",
        summary="Submit a job",
        scope=SUBMIT,
        body=JobSubmit,
        returns=JobView,
        status=201,
        errors=(NotFound, Withdrawn, BadParameter, TooLarge, NoRoom, QueueFull, SpaceFull),
    )
    async def post(self, body: JobSubmit) -> JobView:
        """Create a job, and start it unless asked not to."""
        profile = self.require()
        if profile.avi is not None and body.avi != profile.avi:
            raise Forbidden(
                f"The interface of {profile.avi} submits jobs of {profile.avi} only.", field="avi"
            )
        release = await self.in_thread(
            self.services.releases.get, viewer=profile.name, avi=body.avi, version=body.version
        )
        job: JobView = await self.in_thread(
            self.services.jobs.submit,
            owner=profile.name,
            groups=profile.groups,
            request=body,
            release=release,
        )
        self.set_header("Location", f"{PREFIX}/api/jobs/{job.id}")
        return job


class JobApi(ApiHandler):
    """Any operation on one job of the asker; an interface's token reaches its own AVI's jobs only."""

    async def with_job(self, act: Callable[..., T], job: str, **more: Any) -> T:
        """Return what a service says of the job."""
        profile = self.require()
        return await self.in_thread(act, owner=profile.name, job=job, avi=profile.avi, **more)


class OneJob(JobApi):
    """One job of the asker."""

    path = "/jobs/{id}"

    @override
    @operation(id="jobs.get", summary="Show a job", scope=READ, returns=JobView, errors=(NotFound,))
    async def get(self, id: str) -> JobView:
        """Return it."""
        return await self.with_job(self.services.jobs.get, id)

    @override
    @operation(
        id="jobs.delete", summary="Delete a job and its results", scope=DELETE, status=204, errors=(NotFound,)
    )
    async def delete(self, id: str) -> None:
        """Hide it at once; one that runs is cancelled first."""
        await self.with_job(self.services.jobs.delete, id)


class JobWait(JobApi):
    """Why a job waits."""

    path = "/jobs/{id}/wait"

    @override
    @operation(
        id="jobs.why",
        summary="Tell why a job waits, and what would start it sooner",
        scope=READ,
        returns=WaitView,
        errors=(NotFound, Conflict),
    )
    async def get(self, id: str) -> WaitView:
        """Return limits, place, estimate and suggestions."""
        return await self.with_job(self.services.jobs.wait, id)


class JobUsage(JobApi):
    """What a job used."""

    path = "/jobs/{id}/usage"

    @override
    @operation(
        id="jobs.usage",
        summary="Show a job's memory and cores over time",
        scope=READ,
        returns=UsageView,
        errors=(NotFound,),
    )
    async def get(self, id: str) -> UsageView:
        """Return the course of its newest attempt."""
        return await self.with_job(self.services.jobs.usage, id)


class JobStart(JobApi):
    """Put a job into the queue."""

    path = "/jobs/{id}/start"

    @override
    @operation(
        id="jobs.start",
        summary="Start a job that was created but not started",
        scope=SUBMIT,
        returns=JobView,
        errors=(NotFound, Withdrawn, Conflict, NoRoom, QueueFull),
    )
    async def post(self, id: str) -> JobView:
        """Move it to QUEUED."""
        return await self.with_job(self.services.jobs.start, id, groups=self.require().groups)


class JobCancel(JobApi):
    """End a job."""

    path = "/jobs/{id}/cancel"

    @override
    @operation(
        id="jobs.cancel", summary="Cancel a job", scope=CANCEL, returns=JobView, errors=(NotFound, Conflict)
    )
    async def post(self, id: str) -> JobView:
        """Have it ended: at once where it waits, soon where it runs."""
        return await self.with_job(self.services.jobs.cancel, id)


class JobEvents(JobApi):
    """What happened to a job."""

    path = "/jobs/{id}/events"

    @override
    @operation(
        id="jobs.events",
        summary="Show what happened to a job",
        scope=READ,
        query=EventQuery,
        returns=list[EventView],
        errors=(NotFound,),
    )
    async def get(self, id: str, query: EventQuery) -> list[EventView]:
        """Return its events, oldest first, at most 500; ask again after the last one."""
        return await self.with_job(self.services.jobs.events, id, after=query.after)


class JobLog(JobApi):
    """A job's log."""

    path = "/jobs/{id}/log"

    @override
    @operation(
        id="jobs.log",
        summary="Show a piece of a job's log",
        scope=READ,
        query=LogQuery,
        returns=LogPart,
        errors=(NotFound, BadRequest),
    )
    async def get(self, id: str, query: LogQuery) -> LogPart:
        """Return at most 64 kB of it."""
        return await self.with_job(self.services.results.log, id, offset=query.offset)


class JobResults(JobApi):
    """A job's results."""

    path = "/jobs/{id}/results"

    @override
    @operation(
        id="jobs.results",
        summary="List a job's results",
        scope=READ,
        returns=list[ResultEntry],
        errors=(NotFound,),
    )
    async def get(self, id: str) -> list[ResultEntry]:
        """Return them in the order of the pipeline."""
        return (await self.with_job(self.services.jobs.get, id)).results


class JobResult(ApiHandler):
    """One result's content."""

    is_stream = True
    path = "/jobs/{id}/results/{result}"

    @override
    @operation(
        id="jobs.result",
        summary="Download a result",
        scope=READ,
        media_type="*/*",
        errors=(NotFound, NoRoom),
    )
    async def get(self, id: str, result: str) -> None:
        """Send the file, or the range of it that was asked for."""
        profile = self.require()
        with self.context.reads.one(profile):
            found: OpenResult = await self.in_thread(
                self.services.results.open, owner=profile.name, job=id, name=result, avi=profile.avi
            )
            with found.file as file:
                what = found.entry
                await send_file(
                    self, Sent(file=file, name=what.name, media_type=what.media_type, etag=what.sha256)
                )


class JobPreview(ApiHandler):
    """What can be seen of one result."""

    is_stream = True
    path = "/jobs/{id}/results/{result}/preview"

    @override
    @operation(
        id="jobs.preview",
        summary="Show a page of a result",
        scope=READ,
        query=PreviewAsk,
        returns=PreviewView,
        errors=(NotFound, BadParameter, NoRoom),
    )
    async def get(self, id: str, result: str, query: PreviewAsk) -> PreviewView:
        """Return rows of a table, lines of a header or of a text, what a file holds: a page of it at most."""
        profile = self.require()
        with self.context.reads.one(profile):
            opened: OpenResult = await self.in_thread(
                self.services.results.open, owner=profile.name, job=id, name=result, avi=profile.avi
            )
            with opened.file as file:
                what = opened.entry
                found: PreviewView = await self.services.previews.of(
                    file,
                    asker=profile.name,
                    name=what.name,
                    media_type=what.media_type,
                    etag=what.sha256,
                    ask=query,
                )
                return found


HANDLERS: tuple[type[ApiHandler], ...] = (
    Jobs,
    OneJob,
    JobWait,
    JobUsage,
    JobStart,
    JobCancel,
    JobEvents,
    JobLog,
    JobResults,
    JobResult,
    JobPreview,
)
