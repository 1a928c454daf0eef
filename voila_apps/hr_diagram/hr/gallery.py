"""Diagrams of past jobs, two side by side."""

from base64 import b64encode
from collections.abc import Callable, Sequence
from functools import lru_cache
from html import escape
from typing import Any

import ipywidgets as widgets

from avi_kernel.client import ApiError, Job
from hr.fields import CLUSTERS
from hr.provenance import Provenance

PIPELINE = "hr_diagram"
DIAGRAM = "hr_diagram.png"
TABLE = "stars.vot"
MANY = 30
KEPT = 6
"""Diagrams that are kept once fetched: each is a picture and a table, as text."""
NOTHING = "<p class='hr-quiet'>Diagrams that you make appear here, two side by side, to be compared.</p>"
ALONE = "<p class='hr-quiet'>Make another one to compare the two.</p>"


class Gallery(widgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """Two places, each of which shows one of the finished diagrams.

    Parameters
    ----------
    jobs
        Lists past jobs, newest first.
    """

    def __init__(self, *, jobs: Callable[..., Sequence[Job]]) -> None:
        self._jobs = jobs
        self.found: dict[str, Job] = {}
        # A finished job's results never change.
        self._drawn = lru_cache(maxsize=KEPT)(lambda job_id: draw(self.found[job_id]))
        self.message = widgets.HTML(NOTHING)
        self.places = [Place(self._drawn, label) for label in ("First", "Second")]
        self._row = widgets.Box(self.places)
        self._row.layout.display = "none"
        self._row.add_class("hr-compare")
        super().__init__([widgets.HTML("<h2>Your diagrams</h2>"), self.message, self._row])
        self.add_class("hr-gallery")

    def refresh(self, newest: str | None = None) -> None:
        """List the finished diagrams again; `newest` is shown first."""
        try:
            finished = self._jobs(phase="COMPLETED", limit=MANY)
        except ApiError as error:
            self.message.value = f"<p role='alert'>Past diagrams cannot be listed. {escape(str(error))}</p>"
            return
        # A list of jobs leaves out their results.
        self.found = {job.id: job for job in finished if job.view.pipeline == PIPELINE}
        self.message.value = {0: NOTHING, 1: ALONE}.get(len(self.found), "")
        self._row.layout.display = None if self.found else "none"
        self.places[1].layout.display = None if len(self.found) > 1 else "none"
        options = [(caption(job), job.id) for job in self.found.values()]
        for number, place in enumerate(self.places):
            place.offer(options, number if newest is None or number else 0, keep=number > 0 or newest is None)


class Place(widgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """One diagram and the choice of which."""

    def __init__(self, diagram_of: Callable[[str], str], label: str) -> None:
        self._diagram_of = diagram_of
        self.choice = widgets.Dropdown(
            description=label,
            style={"description_width": "4.5em"},
            layout=widgets.Layout(width="auto"),
        )
        self.content = widgets.HTML()
        self.choice.observe(self._show, "value")
        super().__init__([self.choice, self.content])
        self.add_class("hr-card")

    def offer(self, options: list[tuple[str, str]], otherwise: int, *, keep: bool) -> None:
        """Offer diagrams; keep the one that is shown, or show the one at a place in the list."""
        ids = [job_id for _, job_id in options]
        shown = self.choice.value
        chosen = shown if keep and shown in ids else next(iter(ids[otherwise:] or ids), None)
        # New options choose the first of them for a moment: nobody need see that.
        self.choice.unobserve(self._show, "value")
        self.choice.options = options
        self.choice.value = chosen
        self.choice.observe(self._show, "value")
        self._show()

    def _show(self, _: Any = None) -> None:
        if self.choice.value is None:
            self.content.value = ""
            return
        try:
            self.content.value = self._diagram_of(self.choice.value)
        except ApiError as error:
            self.content.value = f"<p role='alert'>{escape(str(error))}</p>"


def draw(job: Job) -> str:
    """Return a finished job's diagram as HTML: where it comes from, and what can be taken home."""
    image, table = job.result(DIAGRAM), job.result(TABLE)
    name = f"{job.view.pipeline}-{job.id}"
    links = [
        _download(image, "image/png", f"{name}.png", "plot (PNG)"),
        _download(table, "application/x-votable+xml", f"{name}.vot", "stars (VOTable)"),
    ]
    if job.url.startswith(("http://", "https://")):
        links.append(f'<a href="{escape(job.url)}" target="_blank" rel="noopener">the job</a>')
    told = Provenance.of(table)
    shown = picture(image, f"Hertzsprung-Russell diagram: {caption(job)}")
    return f"{told.notice}{shown}{told.small_print}<p class='hr-links'>{' · '.join(links)}</p>"


def picture(image: bytes, alt: str) -> str:
    """Return a PNG as an HTML image that says what it shows."""
    return f'<img alt="{escape(alt)}" src="data:image/png;base64,{b64encode(image).decode("ascii")}">'


def caption(job: Job) -> str:
    """Return what was asked, in a line for a list: what tells two apart comes first."""
    given = job.view.parameters
    cluster = CLUSTERS.get(str(given.get("field")))
    title = cluster.title if cluster else f"RA {given.get('ra')}°, Dec {given.get('dec')}°"
    made = f"{job.view.created_at:%H:%M, %-d %b %Y}"
    cuts = f"G ≤ {given.get('faint_limit')}, parallax/error ≥ {given.get('parallax_over_error')}"
    return f"{title}, {given.get('radius')}° ({made} UTC), {cuts}"


def _download(content: bytes, media_type: str, name: str, words: str) -> str:
    data = b64encode(content).decode("ascii")
    return f'<a download="{escape(name)}" href="data:{media_type};base64,{data}">{words}</a>'
