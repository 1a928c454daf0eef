"""An AVI is checked wholly within one box: its folder only read, no network, no platform."""

import shutil

import pytest

from avi_kernel.protocol.scorecard import Scorecard
from tests.sandbox.conftest import EVERY_KIND, worlds
from tests.support import boxes
from tests.support.checked_avis import calling_avi, good_avi

pytestmark = [pytest.mark.sandbox, pytest.mark.acceptance]
COMMAND = ("python", "-m", "avi_kernel.checking", "/avi", "--report", "/attempt/scorecard.json")


@pytest.fixture(autouse=True)
def _patience(monkeypatch):
    monkeypatch.setattr(boxes, "BOUND", 180.0)


async def checked(world, make):
    """Check an AVI in a box; return the box's record and the scorecard."""
    spec = world.spec("gavip-jcheck-1", *COMMAND, "--scratch", "/attempt", memory_mb=700, pids=200)
    shutil.copytree(make(world.root / "made"), world.root / "checkouts/hr/abc", dirs_exist_ok=True)
    world.launcher.launch(spec)
    ended = await world.end_of("gavip-jcheck-1")
    report = world.attempt("gavip-jcheck-1") / "scorecard.json"
    assert report.is_file(), world.log("gavip-jcheck-1")
    return ended, Scorecard.model_validate_json(report.read_text())


@pytest.mark.parametrize("kind", EVERY_KIND)
async def test_a_good_avi_is_checked_in_a_box(kind):
    with worlds(kind, "sandbox") as world:
        ended, card = await checked(world, good_avi)
    assert [mark for mark in card.marks if mark.state != "passed"] == []
    assert ended.exit_code == 0


@pytest.mark.parametrize("kind", EVERY_KIND)
async def test_in_a_box_too_a_call_to_an_undeclared_host_is_told(kind):
    with worlds(kind, "sandbox") as world:
        ended, card = await checked(world, calling_avi)
    assert [mark for mark in card.marks if mark.state != "passed"] == [card.mark("hosts")]
    assert ended.exit_code == 1
    assert card.hosts[0].host == "catalogue.example"
