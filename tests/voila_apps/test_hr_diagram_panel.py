"""The interface of the HR diagram AVI, without a browser: what it shows, submits and compares."""

import base64
import io
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hr.gallery import KEPT
from hr.panel import Explorer
from PIL import Image

from avi_kernel.client import BadRequest, Job, Unavailable
from avi_kernel.protocol.api import JobView, Phase
from avi_kernel.protocol.folder import read_release
from avi_kernel.protocol.runs import ResultEntry
from tests.support.hr_diagram import AVI, coloured

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


class Platform:
    """Plays the platform: jobs end as soon as they are looked at."""

    portal = "http://gavip.localhost:8000"

    def __init__(self) -> None:
        self.views: dict[str, JobView] = {}
        self.phase = Phase.COMPLETED
        self.table = '<VOTABLE><RESOURCE><INFO name="publisher" value="{}"/><TABLE/></RESOURCE></VOTABLE>'
        self.publisher = "ESA Gaia Archive"
        self.fetched: list[str] = []
        self.refusal: Exception | None = None

    def submit(self, pipeline: str, **parameters: Any) -> Job:
        if self.refusal:
            raise self.refusal
        return self.add("new", pipeline, parameters)

    def add(self, job_id: str, pipeline: str, parameters: dict[str, Any]) -> Job:
        entries = [
            ResultEntry(name=name, size=1, sha256="0" * 64) for name in ("hr_diagram.png", "stars.vot")
        ]
        self.views[job_id] = JobView(
            id=job_id,
            owner="anna",
            avi="hr-diagram",
            version="1",
            pipeline=pipeline,
            parameters=parameters,
            phase=self.phase,
            state=self.phase.value,
            memory_mb=400,
            memory_source="author",
            cpu=1,
            time_limit=900,
            created_at=datetime(2026, 11, 22, 12, len(self.views), tzinfo=UTC),
            results=entries,
            url=f"/services/gavip/jobs/{job_id}",
        )
        return Job(client=self, view=self.views[job_id])  # type: ignore[arg-type] # plays the client

    def jobs(self, **_: Any) -> Sequence[Job]:
        if self.refusal:
            raise self.refusal
        views = [view.model_copy(update={"results": []}) for view in reversed(self.views.values())]
        return [Job(client=self, view=view) for view in views]  # type: ignore[arg-type] # as above

    def result(self, job_id: str, name: str) -> bytes:
        self.fetched.append(f"{job_id}/{name}")
        return PIXEL if name.endswith(".png") else self.table.format(self.publisher).encode()

    def view(self, job_id: str) -> JobView:
        return self.views[job_id]


@pytest.fixture
def platform() -> Platform:
    return Platform()


@pytest.fixture
def page(platform: Platform) -> Explorer:
    return Explorer(submit=platform.submit, jobs=platform.jobs)


def images(html: str) -> list[bytes]:
    return [base64.b64decode(data) for data in re.findall(r"data:image/png;base64,([^\"]+)\"", html)]


def pixels(image: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(image)) as opened:
        return np.asarray(opened.convert("RGB"))


def test_a_preview_shows_at_once_and_names_its_source(page: Explorer) -> None:
    sky, diagram = map(pixels, images(page.picture.value))
    assert coloured(sky, "#d1495b") > 500
    assert coloured(diagram, "#d1495b") > 500
    assert "stars that the extract has" in page.picture.value
    assert "ESA/Gaia/DPAC" in page.picture.value


def test_the_preview_follows_what_is_chosen(page: Explorer) -> None:
    before = page.picture.value
    page.controls.field.value = "praesepe"
    assert page.picture.value != before
    assert "Praesepe" in page.picture.value


def test_a_place_of_ones_own_asks_for_its_centre(page: Explorer) -> None:
    assert page.controls.ra.layout.display == "none"
    page.controls.field.value = "custom"
    assert page.controls.ra.layout.display == ""
    page.controls.ra.value = 100.0
    assert "RA 100.00" in page.picture.value


def test_what_the_extract_lacks_is_told_beside_the_preview(page: Explorer) -> None:
    page.controls.faint.value = 12.0
    assert "The extract ends at G = 10 mag." in page.picture.value


def test_what_is_chosen_is_what_the_pipeline_takes(page: Explorer) -> None:
    (pipeline,) = read_release(AVI).pipelines
    declared = {spec.name: spec for spec in pipeline.parameters}
    given = page.controls.parameters
    assert given == {name: spec.default for name, spec in declared.items() if not spec.optional}
    page.controls.field.value = "custom"
    assert page.controls.parameters.keys() == declared.keys()
    for control, name in ((page.controls.radius, "radius"), (page.controls.faint, "faint_limit")):
        assert (control.min, control.max) == (declared[name].minimum, declared[name].maximum)
    assert [value for _, value in page.controls.field.options] == declared["field"].choices


def test_the_button_submits_what_is_chosen(page: Explorer, platform: Platform) -> None:
    page.controls.field.value = "pleiades"
    page.controls.radius.value = 3.0
    page.go.click()
    view = platform.views["new"]
    assert view.pipeline == "hr_diagram"
    assert (view.parameters["field"], view.parameters["radius"]) == ("pleiades", 3.0)


def test_a_refusal_is_shown_and_escaped(page: Explorer, platform: Platform) -> None:
    platform.refusal = BadRequest("radius: must be <b>small</b>")
    page.go.click()
    assert "&lt;b&gt;small" in page.running.children[0].value


def test_a_finished_job_appears_beside_the_one_before(platform: Platform) -> None:
    platform.add("old", "hr_diagram", {"field": "hyades", "radius": 8.0, "parallax_over_error": 5.0})
    page = Explorer(submit=platform.submit, jobs=platform.jobs)
    page.controls.field.value = "pleiades"
    page.go.click()
    left, right = page.gallery.places
    assert (left.choice.value, right.choice.value) == ("new", "old")
    assert images(left.content.value)[0] == PIXEL
    assert 'alt="Hertzsprung-Russell diagram: Pleiades, 8.0°' in left.content.value


def test_a_lone_diagram_is_shown_once(platform: Platform) -> None:
    platform.add("old", "hr_diagram", {"field": "hyades", "radius": 8.0, "parallax_over_error": 5.0})
    gallery = Explorer(submit=platform.submit, jobs=platform.jobs).gallery
    assert [place.layout.display for place in gallery.places] == [None, "none"]
    assert "Make another one" in gallery.message.value


def test_results_can_be_downloaded(platform: Platform) -> None:
    platform.add("old", "hr_diagram", {"field": "hyades"})
    left = Explorer(submit=platform.submit, jobs=platform.jobs).gallery.places[0]
    table = re.search(
        r'download="hr_diagram-old.vot" href="data:application/x-votable\+xml;base64,([^"]+)"',
        left.content.value,
    )
    assert table
    assert base64.b64decode(table[1]).startswith(b"<VOTABLE>")
    assert 'href="http://gavip.localhost:8000/services/gavip/jobs/old"' in left.content.value


def test_a_diagram_of_the_extract_says_so_above_it(platform: Platform) -> None:
    platform.publisher = "Bundled extract"
    platform.add("old", "hr_diagram", {"field": "hyades"})
    shown = Explorer(submit=platform.submit, jobs=platform.jobs).gallery.places[0].content.value
    assert "The archive could not be reached; this diagram is from the bundled extract" in shown
    assert shown.index("role='status'") < shown.index("<img")


def test_a_diagram_of_the_archive_names_it_below(platform: Platform) -> None:
    platform.add("old", "hr_diagram", {"field": "hyades"})
    shown = Explorer(submit=platform.submit, jobs=platform.jobs).gallery.places[0].content.value
    assert "could not be reached" not in shown
    assert "Source: ESA Gaia Archive." in shown


def test_a_diagram_is_fetched_once_and_few_are_kept(platform: Platform) -> None:
    names = [f"job-{number}" for number in range(KEPT + 1)]
    for name in names:
        platform.add(name, "hr_diagram", {"field": "hyades"})
    first = Explorer(submit=platform.submit, jobs=platform.jobs).gallery.places[0]
    for name in names:
        first.choice.value = name
    platform.fetched.clear()
    for name in (names[-2], names[0]):
        first.choice.value = name
    assert platform.fetched == [f"{names[0]}/hr_diagram.png", f"{names[0]}/stars.vot"]


def test_a_double_click_makes_one_job(page: Explorer, platform: Platform) -> None:
    platform.phase = Phase.EXECUTING
    page.go.click()
    (panel,) = page.running.children
    page.go.click()
    assert page.running.children == (panel,)
    assert page.go.disabled
    platform.views["new"] = platform.views["new"].model_copy(update={"phase": Phase.COMPLETED})
    panel.job.wait(30)
    assert not page.go.disabled


def test_one_of_two_shown_diagrams_can_be_changed(platform: Platform) -> None:
    for name in ("hyades", "praesepe"):
        platform.add(name, "hr_diagram", {"field": name})
    left = Explorer(submit=platform.submit, jobs=platform.jobs).gallery.places[0]
    left.choice.value = "hyades"
    assert "Hyades" in left.content.value


def test_without_a_platform_the_preview_still_works(platform: Platform) -> None:
    platform.refusal = Unavailable("the platform does not answer")
    page = Explorer(submit=platform.submit, jobs=platform.jobs)
    assert "the platform does not answer" in page.gallery.message.value
    assert len(images(page.picture.value)) == 2


def test_before_the_first_job_the_page_says_what_will_come(page: Explorer) -> None:
    assert "Diagrams that you make appear here" in page.gallery.message.value
