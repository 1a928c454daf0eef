"""The whole platform on a real Docker engine: jobs, interfaces, and every process killed beside them."""

from collections.abc import Iterator

import pytest

from gavip_hub.backends.docker.container_folders import SPARE
from tests.hub.test_hub_restarts import answers, is_new, kill
from tests.support.avis import notebook
from tests.support.docker import IMAGE, need_engine
from tests.support.platform import Platform, eventually, platform_to_throw_away
from tests.support.published import AVIS, run

pytestmark = [pytest.mark.hub, pytest.mark.docker]
SETTINGS = f"""
c.Gavip.bundled_avis = False
c.Gavip.images = {{"avi-python": "{IMAGE}", "notebook": "{IMAGE}"}}
"""


@pytest.fixture(scope="module")
def own() -> Iterator[Platform]:
    """A platform whose boxes are containers, with an AVI open."""
    need_engine()
    with platform_to_throw_away("docker", settings=SETTINGS, options=("--docker",)) as platform:
        avi = platform.root.parent / "hello"
        avi.mkdir()
        (avi / "app.ipynb").write_text(notebook("print('hello', 6 * 7)"))
        platform.publish(avi, "hello")
        platform.open_avi("hello", "scientist")
        yield platform


def containers(platform: Platform) -> set[str]:
    """Return all that somebody has claimed."""
    names = {path.name for path in (platform.root / "containers").iterdir()}
    return {name for name in names if not name.startswith((".", SPARE))}


def test_an_open_avi_answers_from_its_container(own: Platform) -> None:
    assert answers(own)
    assert [name.startswith("gavip-server-") for name in containers(own)] == [True]
    assert list((own.root / "boxes").iterdir()) == []


def test_a_job_runs_in_a_container_and_leaves_none(own: Platform) -> None:
    own.publish(AVIS / "works", "works")
    with own.client("scientist") as scientist:
        job = run(scientist, "works")
    assert job["phase"] == "COMPLETED", job["error"]
    assert job["attempts"][0]["memory_peak_mb"] > 10
    eventually(lambda: len(containers(own)) == 1, "its container is gone")


@pytest.mark.parametrize("sibling", ["steward", "doorkeeper", "hub", "service"])
def test_a_killed_sibling_comes_back_and_the_open_avi_goes_on(own: Platform, sibling: str) -> None:
    before = containers(own)
    old = kill(own, sibling)
    eventually(lambda: is_new(own, sibling, old), f"there is a new {sibling}")
    eventually(lambda: answers(own), "the AVI answers as before")
    assert containers(own) == before


def test_a_closed_avi_leaves_no_container(own: Platform) -> None:
    own.close_servers("scientist")
    eventually(lambda: containers(own) == set(), "no container is left")
