"""People in a real browser, on the platform that the session shares."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from tests.support.browser import DESKTOP, PHONE, Seen, watch
from tests.support.hands import KEYBOARD, MOUSE, Hand, look
from tests.support.platform import Platform
from tests.support.published import publish

PATIENCE_MS = 60_000
expect.set_options(timeout=20_000)  # for a machine that is busy with other things too
COLOURS = """image => {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
    const paper = canvas.getContext("2d");
    paper.drawImage(image, 0, 0);
    const pixels = new Uint32Array(paper.getImageData(0, 0, canvas.width, canvas.height).data.buffer);
    return new Set(pixels).size;
}"""
"""Counts the colours of an image: an empty frame has few."""


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody at the portal."""

    platform: Platform
    page: Page
    seen: Seen

    async def go(self, path: str) -> int:
        """Open a page of the portal; return its status."""
        answer = await self.page.goto(f"{self.platform.url}/services/gavip/{path}")
        assert answer is not None
        return answer.status

    async def sign_in(self, user: str) -> None:
        await self.page.goto(self.platform.url)
        await self.page.get_by_label("User name").fill(user)
        await self.page.get_by_label("Password", exact=True).fill(self.platform.password(user))
        await self.page.get_by_role("button", name="Sign in").click()
        await expect(self.page.get_by_role("heading", name="Catalogue")).to_be_visible(timeout=PATIENCE_MS)

    async def submit(self, avi: str, pipeline: str = "main", **values: str) -> str:
        """Fill in a pipeline's form and send it; return the job's id."""
        await self.go(f"avis/{avi}/pipelines/{pipeline}")
        for name, value in values.items():
            await self.page.locator(f"[name='p.{name}']").fill(value)
        await self.page.get_by_role("button", name="Run as a job").click()
        await self.insist()
        await self.page.wait_for_url("**/jobs/*")
        return self.page.url.rpartition("/")[2]

    async def insist(self) -> None:
        """Run a job anyway, where the same was run before and is offered instead."""
        anyway = self.page.get_by_role("button", name="Run anyway")
        await expect(self.page.locator("#job-status").or_(anyway)).to_be_visible(timeout=PATIENCE_MS)
        if await anyway.count():
            await anyway.focus()
            await self.page.keyboard.press("Enter")

    async def phase(self, word: str) -> None:
        """Wait, without a reload, until the job's page shows this phase."""
        status = self.page.locator("#job-status .phase")
        await expect(status).to_contain_text(word, timeout=PATIENCE_MS)


class Visits:
    """Lets people in: the first time by name and password, later with the cookies of that time."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._known: dict[str, Any] = {}

    @asynccontextmanager
    async def of(
        self, browser: Browser, user: str, *, anew: bool = False, **options: Any
    ) -> AsyncIterator[Person]:
        """Give a person with a browser profile of their own, signed in."""
        state = None if anew else self._known.get(user)
        context = await browser.new_context(**{"viewport": DESKTOP, "storage_state": state, **options})
        context.set_default_timeout(PATIENCE_MS)
        page = await context.new_page()
        person = Person(platform=self._platform, page=page, seen=watch(page))
        if state is None:
            await person.sign_in(user)
            if not anew:
                self._known[user] = await context.storage_state()
        yield person
        await context.close()


@pytest.fixture(scope="session")
def visits(platform: Platform) -> Visits:
    """People who come and go; whatever other tests left open is closed, so that a pool is as a person finds it."""
    for user in platform.users:
        platform.close_servers(user)
    return Visits(platform)


@pytest.fixture
async def scientist(visits: Visits, browser: Browser) -> AsyncIterator[Person]:
    """A scientist at a desk, at the catalogue."""
    async with visits.of(browser, "scientist") as person:
        await person.go("")
        yield person


@dataclass(frozen=True, kw_only=True)
class Way:
    """How a walk is gone: at which width, and by which hand."""

    size: dict[str, int]
    by: str

    @property
    def name(self) -> str:
        """A word for what this walk makes, so that it meets no other's."""
        return f"{self.size['width']}-{self.by}"

    @property
    def number(self) -> int:
        """A number of its own, too, for values that no other walk runs with."""
        return self.size["width"] + (self.by == KEYBOARD)


@dataclass(frozen=True, kw_only=True)
class Walker:
    """Somebody who goes through the portal in one way."""

    way: Way
    person: Person
    hand: Hand
    expected: set[int] = field(default_factory=set)
    """Refusals that belong to the walk."""

    @property
    def page(self) -> Page:
        return self.person.page

    async def fits(self) -> None:
        """Check that the page is no wider than the window."""
        wide = await look(self.page, "document.documentElement.scrollWidth")
        assert wide <= self.way.size["width"], f"{self.page.url} is wider than the window: {wide}"

    async def press(
        self, name: str, *, role: Any = "button", exact: bool = False, within: Any = None
    ) -> None:
        """Press what has this name; the page before it must fit the window."""
        control = (within or self.page).get_by_role(role, name=name, exact=exact)
        await control.wait_for()
        await self.fits()
        await self.hand.press(control)

    async def follow(self, name: str, *, exact: bool = False, within: Any = None) -> None:
        """Follow the link of this name."""
        await self.press(name, role="link", exact=exact, within=within)


@asynccontextmanager
async def walking(
    visits: Visits, browser: Browser, user: str, way: Way, **options: Any
) -> AsyncIterator[Walker]:
    """Give somebody who walks; at the end nothing may have gone wrong behind the pages."""
    async with visits.of(browser, user, viewport=way.size, **options) as person:
        walker = Walker(way=way, person=person, hand=Hand(person.page, way.by))
        yield walker
        domain = person.platform.url.removeprefix("http://")
        assert person.seen.faults(domain, expected=walker.expected) == []


@pytest.fixture(
    params=[
        pytest.param(Way(size=size, by=by), id=f"{size['width']}-{by}")
        for size in (DESKTOP, PHONE)
        for by in (MOUSE, KEYBOARD)
    ]
)
def way(request: pytest.FixtureRequest) -> Way:
    """Each width, each hand."""
    found: Way = request.param
    return found


@pytest.fixture
async def walker(visits: Visits, browser: Browser, way: Way) -> AsyncIterator[Walker]:
    """A scientist who walks."""
    async with walking(visits, browser, "scientist", way) as somebody:
        yield somebody


@pytest.fixture(scope="session")
def avis(platform: Platform) -> None:
    """The small test AVIs, published."""
    for name in ("works", "raises", "sleeps", "reads"):
        publish(platform, name)
