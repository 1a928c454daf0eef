"""A world of boxes with walls, and one without them as the control of each attack."""

import pytest

from tests.support.boxes import OPEN, box_world, needed_report
from tests.support.docker import docker_world

EVERY_KIND = ["process", pytest.param("docker", marks=pytest.mark.docker)]


def worlds(kind, *measures, upstreams=None):
    """Return a world of this kind, where these measures are enforced; an engine enforces every one."""
    return docker_world(upstreams) if kind == "docker" else box_world(needed_report(*measures), upstreams)


@pytest.fixture(params=EVERY_KIND)
def walled(request):
    """Boxes with walls: processes of this machine, and containers of an engine."""
    with worlds(request.param, "sandbox") as boxes:
        yield boxes


@pytest.fixture
def open_world():
    """Boxes without walls: what an attack does when the measure is off."""
    with box_world(OPEN) as boxes:
        yield boxes


@pytest.fixture(params=[*EVERY_KIND, "open"])
def anywhere(request):
    """Boxes with walls of each kind, and boxes without."""
    with box_world(OPEN) if request.param == "open" else worlds(request.param, "sandbox") as boxes:
        yield boxes


@pytest.fixture(params=EVERY_KIND)
def limited(request):
    """Boxes whose memory, processes and processor time are kept by control groups."""
    with worlds(request.param, "sandbox", "memory", "pids", "cpu") as boxes:
        yield boxes
