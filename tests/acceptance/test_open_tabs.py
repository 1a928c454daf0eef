"""A hundred people are signed in, leave their tabs open and never sign out: pages stay quick, and nothing leaks."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from random import Random
from statistics import quantiles
from typing import NamedTuple

import pytest

from tests.support.docker import IMAGE, need_engine
from tests.support.interface import eventually
from tests.support.platform import Platform, platform_to_throw_away
from tests.support.published import AVIS, publish
from tests.support.tabs import PORTAL, Tab, cookies_of
from tests.support.weights import SIBLINGS, Weight, Weights, middle, weigh

SECONDS = float(os.environ.get("GAVIP_TABS_SECONDS", "600"))
pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.hub,
    pytest.mark.docker,
    pytest.mark.alone,
    pytest.mark.timeout(SECONDS + 600),
]

PEOPLE = [f"user{number:03}" for number in range(100)]
AVI = "works"
PATHS = [f"{PORTAL}/{path}" for path in ("", f"avis/{AVI}", f"avis/{AVI}/pipelines/main", "jobs", "servers")]
SETTINGS = f"""
c.Gavip.images = {{"avi-python": "{IMAGE}", "notebook": "{IMAGE}"}}
c.Gavip.users = {json.dumps({"operator": "operator", **dict.fromkeys(PEOPLE, "scientist")})}
"""
ROUNDS = 60
FEW, WARM_SECONDS, SETTLED_SECONDS, CLOSED_SECONDS = 8, 10, 5, 30
MAY_GROW = Weight(memory_mb=5, files=5, sockets=25, threads=2, databases=2)
"""Between the second minute and the tenth: how many tabs load a page just then is chance."""
MAY_GROW_BY_SIBLING = {"proxy": MAY_GROW._replace(memory_mb=15)}
"""Node's heap goes up and down by some 10 MB as it is collected."""
LEFT_SOCKETS, LEFT_FILES = 10, 5
"""The proxy keeps some connections to Hub and service for a while."""
JOB = {"avi": AVI, "pipeline": "main", "start": False}
P95_SECONDS = 0.2


@pytest.fixture(scope="module")
def visited() -> Iterator[Platform]:
    """A platform with a hundred accounts."""
    need_engine()
    with platform_to_throw_away("tabs", settings=SETTINGS, options=("--docker",)) as platform:
        publish(platform, AVI, folder=AVIS / AVI)
        yield platform


@asynccontextmanager
async def tabs_of(platform: Platform, people: Sequence[str], chance: Random) -> AsyncIterator[list[Tab]]:
    """Have people sign in and leave a tab open each; close all tabs at the end, with nobody signing out."""
    tabs: list[Tab] = []

    async def arrive(user: str) -> None:
        cookies = await asyncio.get_running_loop().run_in_executor(doors, cookies_of, platform, user)
        draws = Random(chance.random())
        tabs.append(Tab(platform=platform, cookies=cookies, paths=PATHS, job=JOB, chance=draws))
        await tabs[-1].stay()

    with ThreadPoolExecutor(4) as doors:
        stays = [asyncio.create_task(arrive(user)) for user in people]
        try:
            await eventually(
                lambda: all(tab.seconds for tab in tabs) and len(tabs) == len(people), within=300
            )
            yield tabs
            ended = [stay.exception() for stay in stays if stay.done()]
            assert ended == []
        finally:
            for stay in stays:
                stay.cancel()
            await asyncio.gather(*stays, return_exceptions=True)


class Course(NamedTuple):
    """What was seen from before the first tab until after the last."""

    tabs: Sequence[Tab]
    start: Weights
    early: Weights
    late: Weights
    end: Weights


async def followed(platform: Platform, chance: Random) -> Course:
    """Have a hundred people leave their tabs open, after a few others have warmed everything up, and weigh meanwhile."""
    async with tabs_of(platform, PEOPLE[:FEW], chance):
        await asyncio.sleep(WARM_SECONDS)
    start = await weighed(platform)
    async with tabs_of(platform, PEOPLE, chance) as tabs:
        found = [await weighed(platform, after=SECONDS / ROUNDS) for _ in range(ROUNDS)]
    tenth = ROUNDS // 10
    early, late = middle(found[tenth : 2 * tenth]), middle(found[-tenth:])
    return Course(tabs, start, early, late, await weighed(platform, after=CLOSED_SECONDS))


async def weighed(platform: Platform, *, after: float = SETTLED_SECONDS) -> Weights:
    """Weigh the platform's processes when so much time has passed (s)."""
    await asyncio.sleep(after)
    return await asyncio.to_thread(weigh, platform)


@pytest.fixture(scope="module")
def course(visited: Platform, seed: int) -> Course:
    """Ten minutes of a hundred open tabs."""
    return asyncio.run(followed(visited, Random(seed)))


def test_nothing_is_refused_and_the_streams_tell_of_jobs(course: Course) -> None:
    assert [words for tab in course.tabs for words in tab.refused] == []
    assert sum(tab.heard for tab in course.tabs) > 0


def test_pages_stay_quick(course: Course, tell: Callable[[str], None]) -> None:
    seconds = [one for tab in course.tabs for one in tab.seconds]
    parts = quantiles(seconds, n=100)
    tell(
        f"{len(course.tabs)} open tabs for {SECONDS:.0f} s: {len(seconds)} pages, median {1000 * parts[49]:.0f} ms, "
        f"p95 {1000 * parts[94]:.0f} ms, longest {1000 * max(seconds):.0f} ms"
    )
    assert parts[94] < P95_SECONDS


@pytest.mark.parametrize("sibling", SIBLINGS)
def test_nothing_grows_while_tabs_stay_open(
    course: Course, sibling: str, tell: Callable[[str], None]
) -> None:
    early, late = course.early[sibling], course.late[sibling]
    tell(f"{sibling}: {early} early, {late} late")
    grown = Weight(*(after - before for before, after in zip(early, late, strict=True)))
    most = MAY_GROW_BY_SIBLING.get(sibling, MAY_GROW)
    assert [name for name in Weight._fields if getattr(grown, name) > getattr(most, name)] == [], grown


@pytest.mark.parametrize("sibling", SIBLINGS)
def test_what_tabs_held_is_given_back(course: Course, sibling: str, tell: Callable[[str], None]) -> None:
    start, end = course.start[sibling], course.end[sibling]
    tell(f"{sibling}: {start} before, {end} after")
    assert end.sockets <= start.sockets + LEFT_SOCKETS
    assert end.files <= start.files + LEFT_FILES
