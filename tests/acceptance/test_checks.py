"""A release that is pushed is tried by itself, and its scorecard stands on its page."""

from collections.abc import Iterator

import pytest

from avi_kernel.protocol.scorecard import TITLES
from tests.support.avis import notebook, write_avi
from tests.support.docker import need_engine
from tests.support.platform import Platform, eventually, platform_to_throw_away
from tests.support.told import portal_page

pytestmark = [pytest.mark.hub, pytest.mark.acceptance]
RELEASE = "/avis/tried/releases/1.0"
FILES = {
    "avi.toml": """
        [pipelines.count]
        memory = 400
        [pipelines.count.parameters.radius]
        unit = "deg"
        help = "Of the cone."
        minimum = 0.1
        maximum = 10
        [[pipelines.count.tests]]
        title = "a small cone"
        parameters = {radius = 0.5}
        results."said.txt".media_type = "text/plain"
        """,
    "app.ipynb": notebook("print('hello')"),
    "pipelines/count.ipynb": notebook(
        "from avi_kernel.pipelines import result\nresult('said.txt').write_text(str(radius));",
        parameters="radius: float = 1.0",
    ),
}


@pytest.fixture(scope="module", params=["process", pytest.param("docker", marks=pytest.mark.docker)])
def platform(request: pytest.FixtureRequest) -> Iterator[Platform]:
    """A platform on which a developer published an AVI."""
    options = ("--docker",) if request.param == "docker" else ()
    if options:
        need_engine()
    with platform_to_throw_away(
        "checks", settings="c.Gavip.bundled_avis = False", options=options
    ) as running:
        publish(running)
        yield running


def publish(platform: Platform) -> None:
    """Publish a folder of the developer's user-space."""
    with platform.client("developer") as developer:
        developer.get("/me").raise_for_status()
    space = platform.root / "users" / "developer"
    space.mkdir(parents=True, exist_ok=True)
    write_avi(space / "tried", FILES)
    body = {"folder": "tried", "avi": "tried", "version": "1.0", "visibility": "public"}
    with platform.client("developer") as developer:
        answer = developer.post("/avis/tried/releases", json=body)
        assert answer.status_code == 201, answer.text
        eventually(
            lambda: developer.get(f"{RELEASE}/check").json()["scorecard"] is not None,
            "it is checked",
            seconds=280,
        )


def card(platform: Platform) -> dict[str, str]:
    with platform.client("scientist") as scientist:
        found = scientist.get(f"{RELEASE}/check").json()["scorecard"]
    return {mark["key"]: f"{mark['state']}: {mark['sentence']}" for mark in found["marks"]}


def test_everything_of_it_was_tried_and_is_well(platform: Platform) -> None:
    told = card(platform)
    assert list(told) == list(TITLES)
    assert [line for line in told.values() if not line.startswith("passed")] == []


def test_its_scorecard_stands_on_its_page_and_badges_in_the_catalogue(platform: Platform) -> None:
    assert "8 of 8 passed" in portal_page(platform, "/avis/tried")
    assert "Repeatable" in portal_page(platform, "/")
