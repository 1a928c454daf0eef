"""A real browser for tests: Chromium driven by Playwright's asynchronous interface.

Use the fixture `page` in an async test and mark the test `browser`. The page remembers what a person with
the developer tools open would see: errors, failed requests and requests to other hosts.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tests.support.needs import need_program

if TYPE_CHECKING:  # tests that need no browser must not pay for Playwright
    from playwright.async_api import Browser, BrowserContext, Page

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}


@dataclass
class Seen:
    """What happened behind a page."""

    errors: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    refused: list[tuple[int, str]] = field(default_factory=list)
    """Answers of 400 and above, with what they answered."""

    def faults(self, domain: str, *, expected: Iterable[int] = ()) -> list[str]:
        """Return what a person with the developer tools open would frown at.

        Parameters
        ----------
        domain
            The platform's host; names below it are its own, too.
        expected
            Statuses that the walk itself leads to, as 404 where something was taken back.
        """
        statuses = tuple(expected)
        told = [
            line for line in self.errors if not any(f"status of {status} " in line for status in statuses)
        ]
        told += [f"{status} {url}" for status, url in self.refused if status not in statuses]
        # Who goes on to another page breaks off what the one before still asked for.
        told += [line for line in self.failed if not line.endswith("net::ERR_ABORTED")]
        foreign = {host for host in self.hosts() if not _is_below(host, domain)}
        return told + [f"it asked {host}" for host in sorted(foreign)]

    def hosts(self) -> set[str]:
        """Return the hosts that the page asked anything of."""
        return {urlsplit(url).netloc for url in self.requests if url.startswith(("http", "ws"))}


def _is_below(host: str, domain: str) -> bool:
    return host == domain or host.endswith(f".{domain}")


def watch(page: Page) -> Seen:
    """Record errors and requests of a page from now on."""
    seen = Seen()
    page.on("pageerror", lambda error: seen.errors.append(str(error)))
    page.on("console", lambda line: seen.errors.append(line.text) if line.type == "error" else None)
    page.on("requestfailed", lambda request: seen.failed.append(f"{request.url} {request.failure}"))
    page.on("response", lambda one: seen.refused.append((one.status, one.url)) if one.status >= 400 else None)
    page.on("request", lambda request: seen.requests.append(request.url))
    page.on("websocket", lambda socket: seen.requests.append(socket.url))
    return seen


@asynccontextmanager
async def open_browser() -> AsyncIterator[Browser]:
    """Start Chromium and end it again."""
    from playwright.async_api import async_playwright

    chromium = need_program("chromium", "apt-get install -y chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def person(
    browser: Browser, *, viewport: dict[str, int] = DESKTOP, dark: bool = False
) -> AsyncIterator[BrowserContext]:
    """Give a fresh profile: cookies and cache of nobody else."""
    context = await browser.new_context(
        viewport=viewport,  # type: ignore[arg-type]  # a plain dict is what it takes
        color_scheme="dark" if dark else "light",
    )
    try:
        yield context
    finally:
        await context.close()


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """Give a Chromium for one test."""
    async with open_browser() as chromium:
        yield chromium


@pytest.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    """Give an empty page at desktop width."""
    async with person(browser) as context:
        yield await context.new_page()
