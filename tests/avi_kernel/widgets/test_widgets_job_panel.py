"""A job's panel, in a process of its own widgets: no kernel is needed to see what it shows."""

import threading
from datetime import UTC, datetime

import pytest

from avi_kernel.client import Client, Job
from avi_kernel.protocol.api import JobView, Phase
from avi_kernel.protocol.runs import JobError, ResultEntry
from avi_kernel.widgets.job_panel import JobPanel

PORTAL = "http://gavip.localhost:8000/services/gavip"
URL = "http://127.0.0.1:9/services/gavip/api"


class Told(Client):
    """A client that is told what the platform says, look by look."""

    def __init__(self, *views: JobView) -> None:
        super().__init__(URL, "token", portal="http://gavip.localhost:8000/hub/")
        self.views = list(views)
        self.cancelled = threading.Event()

    def view(self, id: str) -> JobView:  # noqa: A002
        return self.views.pop(0) if len(self.views) > 1 else self.views[0]

    def cancel(self, id: str) -> JobView:  # noqa: A002
        self.cancelled.set()
        self.views = [view(Phase.ABORTED)]
        return self.views[0]


def view(phase: Phase, **more) -> JobView:
    return JobView(
        id="j1",
        owner="scientist",
        avi="hr-diagram",
        version="1.0",
        pipeline="diagram",
        title="Diagram <of> stars",
        parameters={},
        phase=phase,
        state=phase.value,
        memory_mb=512,
        memory_source="author",
        cpu=1.0,
        time_limit=60,
        created_at=datetime.now(UTC),
        url="/services/gavip/jobs/j1",
        **more,
    )


def shown(now: JobView, *later: JobView) -> tuple[JobPanel, Job, Told]:
    client = Told(*(later or (now,)))
    job = Job(client=client, view=now)
    return JobPanel(job), job, client


def test_a_waiting_job_says_why():
    panel, job, _ = shown(view(Phase.QUEUED, reason="12 jobs are before it"), view(Phase.ABORTED))
    assert "12 jobs are before it" in panel.details.value
    assert "waiting" in panel.status.value
    job.cancel()


def test_a_running_job_shows_step_and_share():
    running = view(Phase.EXECUTING, fraction=0.25, step="cuts", message="reading sources")
    panel, job, _ = shown(running, view(Phase.ABORTED))
    assert "running, 25 % <span>cuts: reading sources" in panel.status.value
    assert panel.bar.value == 0.25
    job.cancel()


def test_the_panel_follows_the_job_to_its_end():
    entry = ResultEntry(name="hr.png", title="The diagram", size=2048, sha256="0" * 64)
    panel, job, _ = shown(
        view(Phase.QUEUED), view(Phase.EXECUTING, fraction=0.5), view(Phase.COMPLETED, results=[entry])
    )
    job.wait(30)
    assert panel.bar.value == 1.0
    assert panel.bar.bar_style == "success"
    assert f'href="{PORTAL}/jobs/j1/results/hr.png"' in panel.details.value
    assert "The diagram</a> (2 kB)" in panel.details.value
    assert panel.status.value.endswith("</b> completed")
    assert (panel.bar.layout.display, panel.cancel.layout.display) == ("none", "none")


def test_a_failure_shows_message_hint_and_place():
    error = JobError(
        code="raised", message="cell 3: <boom>", hint="Try less.", traceback="line 1", source="x"
    )
    panel, _, _ = shown(view(Phase.ERROR, error=error))
    assert "cell 3: &lt;boom&gt;" in panel.details.value
    assert "Try less." in panel.details.value
    assert "line 1" in panel.details.value


def test_text_of_others_is_never_markup():
    panel, _, _ = shown(view(Phase.COMPLETED))
    assert "Diagram &lt;of&gt; stars" in panel.status.value
    assert 'href="http://gavip.localhost:8000/services/gavip/jobs/j1"' in panel.status.value


@pytest.mark.parametrize("address", ["javascript:alert(1)", "//elsewhere"])
def test_no_link_runs_script(address):
    panel, _, _ = shown(view(Phase.COMPLETED).model_copy(update={"url": address}))
    assert "javascript:" not in panel.status.value


def test_the_button_cancels():
    panel, job, client = shown(view(Phase.EXECUTING))
    panel.cancel.click()
    assert client.cancelled.is_set()
    assert job.phase == Phase.ABORTED
    assert "cancelled" in panel.status.value
