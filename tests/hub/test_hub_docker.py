"""The whole platform on a real Docker engine: jobs, interfaces, and every process killed beside them."""

from collections.abc import Iterator
from typing import Any

import pytest

from gavip_hub.backends.docker.container_folders import SPARE
from gavip_hub.domain.predictor import CAREFUL, coarse
from tests.hub.test_hub_restarts import answers, is_new, kill
from tests.support.avis import notebook
from tests.support.docker import IMAGE, need_engine
from tests.support.platform import Platform, eventually, platform_to_throw_away
from tests.support.published import AVIS, publish, run
from tests.support.told import portal_page

pytestmark = [pytest.mark.hub, pytest.mark.docker]
SETTINGS = f"""
c.Gavip.bundled_avis = False
c.Gavip.images = {{"avi-python": "{IMAGE}", "notebook": "{IMAGE}"}}
"""
FILLS = "fills-memory"
FILLED_MB = 208
ASKED_MB, MORE_MB = 256, 384
"""Too little beside the runner and its kernel, and enough."""


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


@pytest.fixture(scope="module")
def ran_out(own: Platform) -> dict[str, Any]:
    """A job that needs more than it asked for, whose owner agreed that it is started again with more."""
    wishes = {"memory_mb": ASKED_MB, "again_with_more_memory": True}
    with own.client("scientist") as scientist:
        return run(scientist, publish(own, FILLS), parameters={"limit_mb": FILLED_MB}, **wishes)


def test_a_job_killed_for_memory_runs_again_with_more_and_ends_well(ran_out: dict[str, Any]) -> None:
    first, second = ran_out["attempts"]
    assert (ran_out["phase"], ran_out["memory_mb"]) == ("COMPLETED", MORE_MB)
    assert (first["exit_reason"], first["memory_mb"]) == ("out_of_memory", ASKED_MB)
    assert first["memory_peak_mb"] == pytest.approx(ASKED_MB, rel=0.02)
    assert (second["exit_reason"], second["memory_mb"]) == ("exited", MORE_MB)
    assert [result["name"] for result in ran_out["results"]] == ["main.ipynb"]


def test_its_page_tells_of_it(own: Platform, ran_out: dict[str, Any]) -> None:
    told = f"It ran out of memory at {ASKED_MB} MB and was started again with {MORE_MB} MB."
    assert told in portal_page(own, f"/jobs/{ran_out['id']}")


def test_what_it_held_is_true_and_proposed_the_next_time(own: Platform, ran_out: dict[str, Any]) -> None:
    held = ran_out["attempts"][-1]["memory_peak_mb"]
    past = f"Past runs used {coarse(held)} MB at most"
    assert past in portal_page(own, f"/avis/{FILLS}/pipelines/main")
    less = FILLED_MB - 160
    with own.client("scientist") as scientist:
        job = run(scientist, FILLS, parameters={"limit_mb": less})
    (attempt,) = job["attempts"]
    assert (job["phase"], job["memory_source"]) == ("COMPLETED", "past_runs")
    assert job["memory_mb"] == pytest.approx(CAREFUL.margin * held, rel=0.07)
    assert held - attempt["memory_peak_mb"] == pytest.approx(FILLED_MB - less, rel=0.1)


def test_who_did_not_agree_is_told_that_memory_ran_out(own: Platform) -> None:
    with own.client("scientist") as scientist:
        job = run(scientist, publish(own, FILLS), parameters={"limit_mb": FILLED_MB}, memory_mb=ASKED_MB)
    assert (job["phase"], job["error"]["code"], len(job["attempts"])) == ("ERROR", "out_of_memory", 1)
    assert f"asked for {ASKED_MB} MB of memory" in job["error"]["message"]
    eventually(lambda: len(containers(own)) == 1, "no container of a job is left")


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
