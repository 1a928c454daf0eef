"""The views that people place on a dashboard: small, and quick to open."""

import io

import ipywidgets as widgets
import matplotlib.pyplot as plt
from avi_kernel.client import ApiError, jobs

from sky.counts import by_magnitude, draw
from sky.sample import EXTRACT_CENTRE, of_extract

SIZE = (4.0, 3.0)
"""Inches: a view is small."""


class LatestPicture:
    """The newest picture of this name among a user's jobs, and a button that looks again.

    Parameters
    ----------
    name
        Of the result.
    """

    def __init__(self, name):
        self._name = name
        self._picture = widgets.Image(format="png")
        self._told = widgets.Label()
        button = widgets.Button(description="Look again")
        button.on_click(lambda _: self.look())
        self.panel = widgets.VBox([self._picture, self._told, button])
        self.look()

    @property
    def told(self):
        """What stands below the picture."""
        return self._told.value

    def look(self):
        """Show the newest picture, and wait for that of a job that still runs."""
        try:
            known = jobs(limit=20)
        except ApiError as error:
            self._told.value = str(error)
            return
        for job in known:
            if not job.ended:
                job.watch(self._show)
        done = [job for job in known if job.phase == "COMPLETED" and self._has(job)]
        if not done:
            self._told.value = "No job made a picture yet: run one in the AVI."
        for job in done[:1]:
            self._show(job)

    def _has(self, job):
        return self._name in {entry.name for entry in job.results}

    def _show(self, job):
        if job.phase == "COMPLETED" and self._has(job):
            self._picture.value = job.result(self._name)
            self._told.value = f"{job.view.created_at:%Y-%m-%d %H:%M}"


class Field:
    """Stars of the extract around the Hyades, within a radius that one can pull.

    Parameters
    ----------
    radius
        deg; at first.
    """

    def __init__(self, radius):
        self._picture = widgets.Image(format="png")
        self.slider = widgets.FloatSlider(
            radius, min=1, max=8, description="Radius [deg]", continuous_update=False
        )
        self.slider.observe(lambda change: self.draw(change["new"]), names="value")
        self.panel = widgets.VBox([self._picture, self.slider])
        self.draw(radius)

    @property
    def png(self):
        """The picture as it is shown."""
        return bytes(self._picture.value)

    def draw(self, radius):
        """Draw the stars within this radius."""
        ra, dec = EXTRACT_CENTRE
        sample = of_extract(ra=ra, dec=dec, radius=radius, why="a view asks none")
        figure = draw(
            *by_magnitude(sample.stars), source=sample.source.short, size=SIZE
        )
        with io.BytesIO() as drawn:
            figure.savefig(drawn, format="png")
            self._picture.value = drawn.getvalue()
        plt.close(figure)
