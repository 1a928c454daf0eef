"""A job as a live panel: how far it is, why it waits, what went wrong, what it made."""

from functools import partial
from html import escape
from urllib.parse import quote

import ipywidgets as widgets
from IPython.display import display

from avi_kernel.client import ApiError, Job
from avi_kernel.protocol.api import Phase
from avi_kernel.protocol.runs import ResultEntry
from avi_kernel.sizes import size

_STYLES = {Phase.COMPLETED: "success", Phase.ERROR: "danger", Phase.ABORTED: "warning"}
_WORDS = {
    Phase.PENDING: "not started",
    Phase.QUEUED: "waiting",
    Phase.EXECUTING: "running",
    Phase.COMPLETED: "completed",
    Phase.ERROR: "failed",
    Phase.ABORTED: "cancelled",
    Phase.ARCHIVED: "archived",
}


class JobPanel(widgets.VBox):  # type: ignore[misc] # ipywidgets has no types
    """Follows one job until it has ended; the kernel stays free meanwhile.

    Parameters
    ----------
    job
        As `submit` returns it.
    """

    def __init__(self, job: Job) -> None:
        self.job = job
        self.bar = widgets.FloatProgress(min=0.0, max=1.0, layout=widgets.Layout(width="auto"))
        self.status = widgets.HTML()
        self.details = widgets.HTML()
        self.cancel = widgets.Button(description="Cancel", tooltip="Have this job ended", icon="stop")
        self.cancel.layout = widgets.Layout(width="auto", flex="0 0 auto")
        self.cancel.on_click(self._cancel)
        heading = widgets.HBox(
            [self.status, self.cancel], layout=widgets.Layout(justify_content="space-between")
        )
        super().__init__([heading, self.bar, self.details])
        self._render(job)
        job.watch(self._render)

    def _cancel(self, button: widgets.Button) -> None:
        button.disabled = True
        try:
            self.job.cancel()
        except ApiError as error:
            self.details.value = f"<p role='alert'>{escape(str(error))}</p>"

    def _render(self, job: Job) -> None:
        self.bar.value = job.progress
        self.bar.bar_style = _STYLES.get(job.phase, "info")
        self.bar.description_allow_html = False
        self.status.value = _status(job)
        self.details.value = _details(job)
        for part in (self.bar, self.cancel):
            part.layout.display = "none" if job.ended else ""


def _status(job: Job) -> str:
    view = job.view
    title = _link(job.url, view.title or view.pipeline)
    if job.phase != Phase.EXECUTING:
        return f"<b>{title}</b> {_WORDS[job.phase]}"
    doing = ": ".join(filter(None, [view.step, view.message]))
    share = f"{job.progress * 100:.0f} %"
    return f"<b>{title}</b> {_WORDS[job.phase]}, {share} <span>{escape(doing)}</span>"


def _link(address: str, words: str) -> str:
    if not address.startswith(("http://", "https://")):
        return escape(words)
    return f'<a href="{escape(address)}" target="_blank" rel="noopener">{escape(words)}</a>'


def _details(job: Job) -> str:
    if job.trouble and not job.ended:
        return f"<p>The platform does not answer just now; the job goes on. {escape(str(job.trouble))}</p>"
    if job.error:
        hint = f"<p>{escape(job.error.hint)}</p>" if job.error.hint else ""
        trace = f"<details><summary>Where</summary><pre>{escape(_trace(job))}</pre></details>"
        return f"<p role='alert'><b>{escape(job.error.message)}</b></p>{hint}{trace}"
    if job.reason and not job.ended:
        return f"<p>Waiting: {escape(job.reason)}</p>"
    return f"<ul>{''.join(map(partial(_result, job), job.results))}</ul>" if job.ended and job.results else ""


def _result(job: Job, entry: ResultEntry) -> str:
    page = f"{job.url}/results/{quote(entry.name)}" if job.url else ""
    return f"<li>{_link(page, entry.title or entry.name)} ({size(entry.size)})</li>"


def _trace(job: Job) -> str:
    error = job.error
    return "\n\n".join(filter(None, [error.source, error.traceback])) if error else ""


def show(job: Job) -> None:
    """Display a job's panel in the present cell."""
    display(JobPanel(job))
