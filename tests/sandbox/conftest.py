"""A world of boxes with walls, and one without them as the control of each attack."""

import pytest

from tests.support.boxes import OPEN, box_world, needed_report


@pytest.fixture
def walled():
    """Boxes with walls."""
    with box_world(needed_report("sandbox")) as boxes:
        yield boxes


@pytest.fixture
def open_world():
    """Boxes without walls: what an attack does when the measure is off."""
    with box_world(OPEN) as boxes:
        yield boxes


@pytest.fixture
def limited():
    """Boxes whose memory and processor time are kept by control groups."""
    with box_world(needed_report("sandbox", "memory", "pids", "cpu")) as boxes:
        yield boxes
