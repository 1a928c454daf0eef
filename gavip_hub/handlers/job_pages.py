"""Pages about jobs: the list, one job, its log and its results."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Literal

from pydantic import JsonValue

from avi_kernel.protocol.api import JobView, Phase, ReleaseView
from avi_kernel.protocol.runs import ResultEntry
from gavip_hub.exceptions import BadRequest, GavipError, NotFound
from gavip_hub.handlers.notebook_page import CONTENT_CSP, NotebookPages
from gavip_hub.handlers.page_base import ROOT, PortalPage
from gavip_hub.handlers.previews import (
    HEAD_BYTES,
    NOTEBOOK_BYTES,
    Preview,
    Unreadable,
    preview_of,
    read_table,
    read_text,
)
from gavip_hub.handlers.rendering import plain

PAGE_LENGTH = 25
ENDED = frozenset({Phase.COMPLETED, Phase.ERROR, Phase.ABORTED, Phase.ARCHIVED})
_ENDINGS = {Phase.ERROR: "Failed", Phase.ABORTED: "Cancelled"}
_ORDER: dict[Preview, int] = {"image": 0, "table": 1, "notebook": 3}


@dataclass(frozen=True, kw_only=True)
class ShownResult:
    """A result with its addresses."""

    name: str
    title: str
    media_type: str
    size: int
    sha256: str
    preview: Preview
    page: str
    content: str
    download: str


@dataclass(frozen=True, kw_only=True)
class Step:
    """One station on a job's way."""

    word: str
    tense: Literal["past", "now", "to come"]
    at: datetime | None = None


def shown_result(entry: ResultEntry, job: JobView) -> ShownResult:
    """Return a result as its card shows it."""
    page = f"{ROOT}jobs/{job.id}/results/{entry.name}"
    return ShownResult(
        **entry.model_dump(),
        preview=preview_of(entry),
        page=page,
        content=f"{page}/content",
        download=f"{ROOT}api/jobs/{job.id}/results/{entry.name}",
    )


def results_in_order(job: JobView) -> list[ShownResult]:
    """Return a job's results, what is looked at first in front."""
    shown = [shown_result(entry, job) for entry in job.results]
    return sorted(shown, key=lambda entry: _ORDER.get(entry.preview, 2))


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


def units_of(release: ReleaseView | None, pipeline: str) -> Mapping[str, str]:
    """Return the parameters' units, as far as the release is still to be had."""
    specs = release.spec.pipelines if release else []
    found = next((spec for spec in specs if spec.name == pipeline), None)
    return {parameter.name: parameter.unit for parameter in found.parameters} if found else {}


class JobsPage(PortalPage):
    """The asker's jobs."""

    nav = "jobs"

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

    async def job(self, job: str) -> JobView:
        """Return the job, or refuse as if there were none."""
        found: JobView = await self.in_thread(self.services.jobs.get, owner=self.owner, job=job)
        return found
