"""Pages about jobs: the list, one job, its log and its results."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from typing_extensions import override

from avi_kernel.protocol.api import JobView, LogPart, Phase, UsageView, WaitView
from avi_kernel.protocol.provenance import ComparisonView, ProvenanceView
from avi_kernel.protocol.readable import amount, plain
from avi_kernel.protocol.releases import ReleaseView
from avi_kernel.protocol.runs import ResultEntry
from gavip_hub.domain.ending import OUT_OF_MEMORY
from gavip_hub.domain.job import OWN
from gavip_hub.domain.memory import more_after
from gavip_hub.exceptions import BadRequest, Conflict, NotFound
from gavip_hub.handlers.charts import charts_of
from gavip_hub.handlers.contents import ContentPage, Shown, look
from gavip_hub.handlers.jobs import CANCEL, READ, SUBMIT
from gavip_hub.handlers.page_base import ROOT, PortalPage
from gavip_hub.handlers.previews import Card, Place, in_order
from gavip_hub.handlers.provenance_picture import picture_of, stations_of
from gavip_hub.services.results import OpenResult

PAGE_LENGTH = 25
LOG_END_BYTES = 60_000
"""How much of a log a job's page begins with."""
ENDED = frozenset({Phase.COMPLETED, Phase.ERROR, Phase.ABORTED, Phase.ARCHIVED})
_NUMBER = re.compile(r"[0-9]{1,18}")
_ENDINGS = {Phase.ERROR: "Failed", Phase.ABORTED: "Cancelled"}


@dataclass(frozen=True, kw_only=True)
class Step:
    """One station on a job's way."""

    word: str
    tense: Literal["past", "now", "to come"]
    at: datetime | None = None


def shown_result(entry: ResultEntry, job: JobView) -> Card:
    """Return a result as its card shows it."""
    page = f"{ROOT}jobs/{job.id}/results/{entry.name}"
    return Card(
        name=entry.name,
        title=entry.title,
        media_type=entry.media_type,
        size=entry.size,
        sha256=entry.sha256,
        page=page,
        content=f"{page}/content",
        download=f"{ROOT}api/jobs/{job.id}/results/{entry.name}",
    )


def results_in_order(job: JobView) -> list[Card]:
    """Return the cards of a job's results, what is looked at first in front."""
    return in_order(shown_result(entry, job) for entry in job.results)


def course_of(job: JobView) -> list[Step]:
    """Return the stations of a job's way, each in its tense."""
    ending = _ENDINGS.get(job.phase, "Completed")
    stations = [
        ("Created", job.created_at, Phase.PENDING),
        ("Waiting", job.queued_at, Phase.QUEUED),
        ("Running", job.started_at, Phase.EXECUTING),
        (ending, job.ended_at, None),
    ]
    steps = [_step(word, at, job, phase) for word, at, phase in stations]
    # A job that was cancelled while it waited never ran: that station is left out.
    return [step for step in steps if step.tense != "to come" or job.phase not in ENDED]


def _step(word: str, at: datetime | None, job: JobView, phase: Phase | None) -> Step:
    if job.phase is phase:
        return Step(word=word, tense="now", at=at)
    order = [Phase.PENDING, Phase.QUEUED, Phase.EXECUTING]
    behind = job.phase in order and phase in order and order.index(phase) > order.index(job.phase)
    # A job that went back into the queue keeps the time of its first start.
    return Step(word=word, tense="past" if at and not behind else "to come", at=None if behind else at)


def more_memory_of(job: JobView) -> list[str]:
    """Say which attempts ran out of memory and what the job was, or will be, started again with."""
    sizes = [attempt.memory_mb for attempt in job.attempts[1:]]
    waits = job.phase is Phase.QUEUED
    verbs = ["was started again"] * len(sizes) + ["is to be started again"] * waits
    more = zip(job.attempts, [*sizes, job.memory_mb], verbs, strict=False)
    return [
        f"It ran out of memory at {amount(attempt.memory_mb)} MB and {verb} with {amount(size)} MB."
        for attempt, size, verb in more
        if attempt.exit_reason == OUT_OF_MEMORY and attempt.memory_mb and size
    ]


def units_of(release: ReleaseView | None, pipeline: str) -> Mapping[str, str]:
    """Return the parameters' units, as far as the release is still to be had."""
    specs = release.spec.pipelines if release else []
    found = next((spec for spec in specs if spec.name == pipeline), None)
    return {parameter.name: parameter.unit for parameter in found.parameters} if found else {}


class JobsPage(PortalPage):
    """The asker's jobs."""

    nav = "jobs"
    scope = READ

    @override
    async def get(self) -> None:
        phase = self.get_query_argument("phase", "")
        if phase and phase not in Phase.__members__:
            raise BadRequest(f"phase must be one of {', '.join(Phase)}; got {phase[:40]!r}", field="phase")
        avi, before = self.get_query_argument("avi", ""), self.get_query_argument("before", "")
        found = await self.in_thread(
            self.services.jobs.page,
            owner=self.owner,
            before=before or None,
            limit=PAGE_LENGTH,
            avi=avi or None,
            phase=Phase(phase) if phase else None,
        )
        self.render_page(
            "jobs.html", jobs=found.items, next=found.next, phase=phase, avi=avi, older=bool(before)
        )


class JobHandler(PortalPage):
    """Any page about one job of the asker."""

    nav = "jobs"
    scope = READ

    async def job(self, job: str) -> JobView:
        """Return the job; another user's is told as if there were none."""
        found: JobView = await self.in_thread(self.services.jobs.get, owner=self.owner, job=job)
        return found

    async def log_from(self, job: JobView, offset: int) -> LogPart:
        """Return a piece of the log of a job of the asker."""
        found: LogPart = await self.context.file_threads(self.services.results.log_of, job, offset=offset)
        return found

    async def open(self, job: str, name: str) -> OpenResult:
        """Open one of the job's results; the caller closes its file."""
        found: OpenResult = await self.in_thread(
            self.services.results.open, owner=self.owner, job=job, name=name
        )
        return found


class ChainHandler(JobHandler):
    """Any page that shows where results are from."""

    async def chain(self, job: JobView) -> dict[str, Any]:
        """Return what the part of a page about it shows; nothing of the platform's own jobs."""
        if job.pipeline in OWN or not job.attempts:
            return {"provenance": None}
        view: ProvenanceView = await self.in_thread(
            self.services.provenance.of_job, owner=self.owner, job=job.id
        )
        return {
            "provenance": view,
            "picture": picture_of(view),
            "stations": stations_of(view),
            "comparison": await self._comparison(job),
        }

    async def _comparison(self, job: JobView) -> ComparisonView | None:
        if job.again_of is None:
            return None
        try:
            found: ComparisonView = await self.in_thread(
                self.services.provenance.comparison, owner=self.owner, job=job.id
            )
        except NotFound:  # not yet, or never: one of the two did not complete
            return None
        return found


class JobPage(ChainHandler):
    """One job: how far it is, why it waits, what it wrote, what came of it."""

    @override
    async def get(self, job_id: str) -> None:
        job = await self.job(job_id)
        log = await self._log_so_far(job)
        self.render_page(
            "job.html",
            job=job,
            own=job.pipeline in OWN,
            wait=await self._wait(job),
            charts=charts_of(await self._usage(job)),
            **await self.chain(job),
            more_mb=await self._more_memory(job),
            more_memory=more_memory_of(job),
            notebook=self._notebook(job),
            live=job.phase not in ENDED,
            here=f"{ROOT}jobs/{job.id}",
            api=f"{ROOT}api/jobs/{job.id}",
            results=results_in_order(job),
            course=course_of(job),
            units=units_of(await self._release(job), job.pipeline),
            log=plain(log.text),
            log_skipped=max(0, log.next_offset - len(log.text.encode())),
            log_offset=log.next_offset,
            log_end=last_lines(log.text) if job.phase is Phase.ERROR else "",
        )

    async def _wait(self, job: JobView) -> WaitView | None:
        if job.phase is not Phase.QUEUED:
            return None
        try:
            found: WaitView = await self.in_thread(self.services.jobs.wait, owner=self.owner, job=job.id)
        except Conflict:  # it started just now; the page follows by itself
            return None
        return found

    async def _usage(self, job: JobView) -> UsageView | None:
        if not job.attempts:
            return None
        found: UsageView = await self.in_thread(self.services.jobs.usage, owner=self.owner, job=job.id)
        return found

    async def _more_memory(self, job: JobView) -> int | None:
        """Return how much memory to try where it ran out of it and the pools allow more."""
        if job.error is None or job.error.code != OUT_OF_MEMORY:
            return None
        peak = job.attempts[-1].memory_peak_mb if job.attempts else None
        most_mb = self.services.quotas.most_memory(self.groups)
        return more_after(job.memory_mb, peak_mb=peak, most_mb=most_mb)

    def _notebook(self, job: JobView) -> str | None:
        """Return the address of the notebook that failed, as the owner's notebook server opens it."""
        if job.error is None or not job.error.step:
            return None
        name = f"{job.error.step}.ipynb"
        if name not in {entry.name for entry in job.results}:
            return None
        return f"user-redirect/lab/tree/jobs/{job.id}/{len(job.attempts)}/results/{name}"

    async def _log_so_far(self, job: JobView) -> LogPart:
        if job.started_at is None:
            return LogPart(text="", next_offset=0, ended=False)
        return await self.log_from(job, -LOG_END_BYTES)

    async def _release(self, job: JobView) -> ReleaseView | None:
        try:
            found: ReleaseView = await self.in_thread(
                self.services.releases.get, viewer=self.owner, avi=job.avi, version=job.version
            )
        except NotFound:
            return None
        return found


def last_lines(text: str, count: int = 12) -> str:
    """Return the end of a log that is longer than that: a short one stands on the page as it is."""
    lines = plain(text).rstrip().splitlines()
    return "\n".join(lines[-count:]) if len(lines) > count else ""


class JobAct(JobHandler):
    """Start a job that was only created, or cancel one."""

    @override
    async def post(self, job_id: str, act: str) -> None:
        if act == "cancel":
            self.require(CANCEL)
            await self.in_thread(self.services.jobs.cancel, owner=self.owner, job=job_id)
        else:
            self.require(SUBMIT)
            await self.in_thread(self.services.jobs.start, owner=self.owner, groups=self.groups, job=job_id)
        self.go_back_or(f"jobs/{job_id}")


class LogPage(JobHandler):
    """A job's log, in pieces that a browser can show."""

    @override
    async def get(self, job_id: str) -> None:
        job = await self.job(job_id)
        given = self.get_query_argument("offset", "0")
        if not _NUMBER.fullmatch(given):
            raise BadRequest(f"offset must be a number of bytes; got {given[:40]!r}", field="offset")
        part = await self.log_from(job, int(given))
        more = part.next_offset if part.text else 0
        self.render_page("log.html", job=job, log=plain(part.text), more=more)


class ResultPage(ChainHandler):
    """One result: what can be shown of it, and what it is."""

    @override
    async def get(self, job_id: str, name: str) -> None:
        with self.context.reads.one(self.require()):
            found = await self.open(job_id, name)
            with found.file as file:
                shown = shown_result(found.entry, found.job)
                seen = await look(self, Shown.result(found.entry, file))
        chain = await self.chain(found.job)
        self.render_page("result.html", job=found.job, entry=shown, place=_place(shown), **seen, **chain)


def _place(shown: Card) -> Place:
    return Place(
        page=shown.page,
        content=shown.content,
        download=shown.download,
        title=shown.title or shown.name,
        size=shown.size,
    )


class ResultContent(ContentPage, JobHandler):
    """A result that is shown as it is."""

    @override
    async def get(self, job_id: str, name: str) -> None:
        with self.context.reads.one(self.require()):
            found = await self.open(job_id, name)
            with found.file as file:
                await self.show_content(Shown.result(found.entry, file))
