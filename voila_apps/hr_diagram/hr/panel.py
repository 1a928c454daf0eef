"""The interface: choose a field, see it at once from the extract, make its diagram, compare diagrams."""

from collections.abc import Callable, Sequence
from html import escape
from typing import Any

import ipywidgets as widgets

from avi_kernel.client import ApiError, Job
from avi_kernel.widgets.job_panel import JobPanel
from hr import extract
from hr.diagram import png
from hr.fields import CLUSTERS, CUSTOM, Question, question
from hr.gallery import PIPELINE, Gallery, picture
from hr.preview import Preview, preview

LABEL = {"description_width": "10.5em"}

STYLE = """<style>
.hr-avi .hr-cards { display: grid; grid-template-columns: minmax(17rem, 25rem) minmax(0, 1fr); gap: 1.25rem;
  align-items: start; margin-top: .75rem; }
.hr-card { border: 1px solid var(--gavip-line); border-radius: 3px; padding: 1rem 1.1rem; min-width: 0;
  background: var(--gavip-surface); }
.hr-avi .hr-pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 16rem), 1fr)); gap: .6rem; }
.hr-avi .hr-compare { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 20rem), 1fr));
  gap: 1.25rem; align-items: start; }
.hr-avi .hr-gallery { margin-top: 1.75rem; }
.hr-card h2, .hr-avi h2 { font: 600 1.1875rem/1.2 var(--gavip-title); margin: 0 0 .6rem; }
.hr-card p, .hr-avi p { line-height: 1.5; margin: .3rem 0 .6rem; }
.hr-avi .hr-quiet { color: var(--gavip-quiet); font-size: .8125rem; }
.hr-avi .hr-links { margin: .6rem 0 0; }
.hr-avi .hr-notice { border-left: 4px solid var(--gavip-warn); background: var(--gavip-warn-wash);
  padding: .6rem .9rem; margin: .6rem 0; font-weight: 550; }
.hr-avi img { display: block; width: 100%; height: auto; border-radius: 3px; background: #fff; }
.hr-avi .hr-go { width: auto; height: 2.5rem; margin-top: .6rem; font-weight: 600; }
@media (max-width: 60rem) { .hr-avi .hr-cards { grid-template-columns: minmax(0, 1fr); } }
</style>"""

WELCOME = """
<p>The <b>Hertzsprung&ndash;Russell diagram</b> sets the colour of stars against their true brightness. Here the colours
and magnitudes are those of <b>Gaia DR3</b> and the distances come from <b>Hipparcos</b> parallaxes. Choose a cluster
or any place on the sky; what you see at once is a preview from the extract that this AVI brings. <b>Make the
diagram</b> asks the archive, and keeps plot, table and notebook among your results.</p>"""


class Explorer(widgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """The whole page.

    Parameters
    ----------
    submit
        Starts a job: `avi_kernel.client.submit`.
    jobs
        Lists past jobs: `avi_kernel.client.jobs`.
    """

    def __init__(self, *, submit: Callable[..., Job], jobs: Callable[..., Sequence[Job]]) -> None:
        self._submit = submit
        self.controls = Controls()
        self.go = widgets.Button(description="Make the diagram", button_style="primary", icon="play")
        self.go.add_class("hr-go")
        self.go.on_click(lambda _: self.make())
        self.running = widgets.VBox(layout=_wide())
        self.picture = widgets.HTML(layout=_wide())
        self.gallery = Gallery(jobs=jobs)
        self.controls.watch(self.show_preview)
        super().__init__([widgets.HTML(STYLE + WELCOME), self._cards(), self.gallery], layout=_wide())
        self.add_class("hr-avi")
        self.show_preview()
        self.gallery.refresh()

    def make(self) -> None:
        """Submit a job for what is chosen, and follow it; one at a time, or a double click makes two."""
        if self.go.disabled:
            return
        try:
            job = self._submit(PIPELINE, **self.controls.parameters)
        except ApiError as error:
            self.running.children = [widgets.HTML(f"<p role='alert'>{escape(str(error))}</p>")]
            return
        self.go.disabled = True
        self.running.children = [JobPanel(job)]
        job.watch(self._look_at)
        # It may have ended before anybody watched.
        self._look_at(job)

    def show_preview(self) -> None:
        """Draw what is chosen from the extract."""
        asked = self.controls.question
        seen = preview(asked)
        words = [f"Preview: {counted(seen)}.", extract.shortfall(asked)]
        words.append(f"Source: {extract.NAME}, {extract.RELEASE}, ESA/Gaia/DPAC and Hipparcos.")
        note = " ".join(filter(None, words))
        sky = picture(png(seen.sky), f"Preview: the stars of {asked.title} on the sky")
        diagram = picture(png(seen.diagram), f"Preview: Hertzsprung-Russell diagram of {asked.title}")
        pair = f"<div class='hr-pair'>{sky}{diagram}</div>"
        self.picture.value = f"{pair}<p class='hr-quiet'>{escape(note)}</p>"

    def _look_at(self, job: Job) -> None:
        # Where the platform is silent, nobody can tell when the job ends: it is no reason to wait.
        self.go.disabled = not (job.ended or job.trouble)
        if job.ended:
            self.gallery.refresh(newest=job.id)

    def _cards(self) -> widgets.Box:
        left = widgets.VBox([self.controls, self.go, self.running])
        right = widgets.VBox([self.picture])
        for card in (left, right):
            card.add_class("hr-card")
        cards = widgets.Box([left, right])
        cards.add_class("hr-cards")
        return cards


def counted(seen: Preview) -> str:
    """Say how many stars a preview shows."""
    every = seen.shown == seen.in_cone
    which = f"all {seen.shown} stars" if every else f"{seen.shown} of the {seen.in_cone} stars"
    words = f"{which} that the extract has in this cone pass the cuts"
    return f"{words}; {seen.members} share the cluster's parallax and motion" if seen.members else words


class Controls(widgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """What can be chosen; the limits are those of the pipeline."""

    def __init__(self) -> None:
        fields = [(cluster.title, name) for name, cluster in CLUSTERS.items()]
        self.field = widgets.Dropdown(
            options=[*fields, ("A place of your own", CUSTOM)],
            description="Field",
            style=LABEL,
            layout=_wide(),
        )
        self.ra = _number("RA [°]", 66.75, 0, 360)
        self.dec = _number("Dec [°]", 15.87, -90, 90)
        self.radius = _slider("Radius [°]", 8.0, limits=(0.5, 20.0), step=0.5, shown=".1f")
        self.precision = _slider("Parallax / error ≥", 5.0, limits=(5.0, 50.0), step=1.0, shown=".0f")
        self.faint = _slider("Faint limit G [mag]", 10.0, limits=(4.0, 12.0), step=0.25, shown=".2f")
        self.about = widgets.HTML()
        self.inputs = (self.field, self.ra, self.dec, self.radius, self.precision, self.faint)
        super().__init__([self.field, self.about, *self.inputs[1:]], layout=_wide())
        self._fit_field()

    @property
    def parameters(self) -> dict[str, Any]:
        """Values by the names of the pipeline's parameters."""
        # A named field has its own centre: what the hidden controls hold is nobody's choice.
        centre = {"ra": self.ra.value, "dec": self.dec.value} if self.field.value == CUSTOM else {}
        return {
            "field": self.field.value,
            **centre,
            "radius": self.radius.value,
            "parallax_over_error": self.precision.value,
            "faint_limit": self.faint.value,
        }

    @property
    def question(self) -> Question:
        """What is chosen, as the pipeline would ask it."""
        return question(**self.parameters)

    def watch(self, changed: Callable[[], None]) -> None:
        """Have a function called whenever something else is chosen."""

        def react(_: Any) -> None:
            self._fit_field()
            changed()

        for control in self.inputs:
            control.observe(react, "value")

    def _fit_field(self) -> None:
        cluster = CLUSTERS.get(self.field.value)
        about = cluster.about if cluster else "Give the centre of a cone (ICRS)."
        self.about.value = f"<p class='hr-quiet'>{escape(about)}</p>"
        for place in (self.ra, self.dec):
            place.layout.display = "none" if cluster else ""


def _wide() -> widgets.Layout:
    """Return a layout of its own: widgets that share one are hidden together."""
    return widgets.Layout(width="auto")


def _number(label: str, value: float, least: float, most: float) -> widgets.BoundedFloatText:
    return widgets.BoundedFloatText(
        value=value, min=least, max=most, step=0.1, description=label, style=LABEL, layout=_wide()
    )


def _slider(
    label: str, value: float, *, limits: tuple[float, float], step: float, shown: str
) -> widgets.FloatSlider:
    return widgets.FloatSlider(
        value=value,
        min=limits[0],
        max=limits[1],
        step=step,
        description=label,
        style=LABEL,
        layout=_wide(),
        readout_format=shown,
        # A preview takes a third of a second: it follows when the hand rests.
        continuous_update=False,
    )
