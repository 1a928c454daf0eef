"""A release is tried by itself, in boxes of either kind: what is well passes, what is bad gets its own mark and no other."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from avi_kernel.protocol.scorecard import TITLES
from tests.support import checked_avis
from tests.support.avis import notebook, write_avi
from tests.support.docker import need_engine
from tests.support.platform import Platform, eventually, platform_to_throw_away
from tests.support.told import portal_page

pytestmark = [pytest.mark.hub, pytest.mark.acceptance, pytest.mark.timeout(900)]
SECONDS = 600
Written = Callable[[Path], Path]
BAD: dict[str, tuple[Written, str, str]] = {
    "random": (checked_avis.random_avi, "repeatable", "stars.csv"),
    "calling": (checked_avis.calling_avi, "hosts", "catalogue.example"),
    "leaking": (checked_avis.leaking_avi, "memory", "leaks"),
    "broken": (checked_avis.broken_avi, "interface", "NameError: name 'catalog' is not defined"),
}
"""An AVI's name -> what it is, the mark that it fails, and what is said."""
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


def of_files(folder: Path) -> Path:
    return write_avi(folder, FILES)


AVIS: dict[str, Written] = {
    "tried": of_files,
    "good": checked_avis.good_avi,
    **{avi: written for avi, (written, _, _) in BAD.items()},
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
        for avi, written in AVIS.items():
            publish(running, avi, written)
        yield running


def publish(platform: Platform, avi: str, written: Written) -> None:
    """Publish a folder of the developer's user-space."""
    with platform.client("developer") as developer:
        developer.get("/me").raise_for_status()
        space = platform.root / "users" / "developer"
        space.mkdir(parents=True, exist_ok=True)
        written(space / avi)
        body = {"folder": avi, "avi": avi, "version": "1.0", "visibility": "public"}
        answer = developer.post(f"/avis/{avi}/releases", json=body)
        assert answer.status_code == 201, answer.text


def card(platform: Platform, avi: str) -> dict[str, str]:
    """Return what each mark of an AVI says, once it was tried."""
    found: dict[str, Any] = {}
    with platform.client("scientist") as scientist:

        def tried() -> bool:
            found.update(scientist.get(f"/avis/{avi}/releases/1.0/check").raise_for_status().json())
            return found["scorecard"] is not None

        eventually(tried, f"{avi} is checked", seconds=SECONDS)
    return {mark["key"]: f"{mark['state']}: {mark['sentence']}" for mark in found["scorecard"]["marks"]}


@pytest.mark.parametrize("avi", ["tried", "good"])
def test_everything_of_a_good_one_was_tried_and_is_well(platform: Platform, avi: str) -> None:
    told = card(platform, avi)
    assert list(told) == list(TITLES)
    assert [line for line in told.values() if not line.startswith("passed")] == []


@pytest.mark.parametrize("avi", BAD)
def test_a_bad_one_gets_exactly_its_own_mark(
    platform: Platform, tell: Callable[[str], None], avi: str
) -> None:
    _, failed, words = BAD[avi]
    told = card(platform, avi)
    assert list(told) == list(TITLES)
    odd = {key: line for key, line in told.items() if not line.startswith("passed")}
    assert list(odd) == [failed], odd
    assert odd[failed].startswith("failed"), odd
    assert words in odd[failed]
    tell(f"{avi}: {failed}: {odd[failed]}")


def test_its_scorecard_stands_on_its_page_and_badges_in_the_catalogue(platform: Platform) -> None:
    card(platform, "tried")
    card(platform, "random")
    assert "8 of 8 passed" in portal_page(platform, "/avis/tried")
    assert "7 of 8 passed" in portal_page(platform, "/avis/random")
    assert "Repeatable" in portal_page(platform, "/")
