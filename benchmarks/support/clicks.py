"""A person in Chromium who opens interfaces at the portal: each time from the click until the page has come, and can be used."""

import asyncio
import math
import subprocess
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

import psutil
from playwright.async_api import Page, Request, Response
from playwright.async_api import TimeoutError as PlaywrightTimeout

from benchmarks.support.containers import BARE, TOKEN, answers, cpu_seconds, held, serving
from tests.support.browser import open_browser, person
from tests.support.platform import Platform, eventually

USER = "scientist"
WITHIN = 120_000
BARE_WITHIN = 30_000
"""Milliseconds: now and then a page of bare Voilà never comes to life."""
YARDSTICK = """() => document.querySelectorAll('.widget-slider').length >= 6
  && document.body.innerText.includes('power is 2')
  && document.body.innerText.includes('written into an output')
  && [...document.images].some(image => image.naturalWidth > 100)
  && document.querySelector('.widget-slider').getBoundingClientRect().width > 0"""
"""Whether the yardstick's page can be used: its sliders are drawn, its outputs and its picture are there."""
FOUR_VIEWS = """() => [...document.images].filter(image => image.naturalWidth > 100).length >= 4
  && document.querySelector('.widget-slider')?.getBoundingClientRect().width > 0"""


TELL_CLICK = "() => addEventListener('click', () => pressedAt(Date.now()), {capture: true, once: true})"


@dataclass(frozen=True, kw_only=True)
class Opened:
    """One opening."""

    html: float
    """Until the whole HTML of the interface had come (s)."""
    usable: float
    """Until it could be used (s)."""
    memory: float
    """What the container held then (MB, PSS)."""


class Clicks:
    """Somebody signed in.

    Parameters
    ----------
    page
        Theirs; what is cached stays cached, as in their browser.
    """

    def __init__(self, *, platform: Platform, page: Page) -> None:
        self._platform = platform
        self._page = page
        self._pressed: asyncio.Future[float] | None = None

    async def listen(self) -> None:
        """Hear from the browser itself when the mouse was pressed: what drives it looks for the button first, and waits after."""
        await self._page.expose_function("pressedAt", self._note_click)

    def _note_click(self, milliseconds: float) -> None:
        if self._pressed is not None and not self._pressed.done():
            self._pressed.set_result(milliseconds / 1000)

    async def open(self, avi: str, usable: str, *, before: Callable[[], None]) -> Opened:
        """Press the button at an AVI of which nothing is open, wait until it can be used, and close it again."""
        await self._page.goto(f"{self._platform.url}/services/gavip/avis/{avi}")
        await asyncio.to_thread(before)
        address = self._platform.avi_url(avi, USER)
        whole: asyncio.Future[float] = asyncio.get_running_loop().create_future()

        pages: list[Request] = []

        def answered(response: Response) -> None:
            if (
                response.url == address and response.status == HTTPStatus.OK
            ):  # not one that leads to the sign-in
                pages.append(response.request)

        def finished(request: Request) -> None:
            if request in pages and not whole.done():
                whole.set_result(time.time())

        self._page.on("response", answered)
        self._page.on("requestfinished", finished)
        pressed: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._pressed = pressed
        await self._page.evaluate(TELL_CLICK)
        await self._page.get_by_role("button", name="Open interface").click(no_wait_after=True)
        began = await pressed
        await self._page.wait_for_url(address, wait_until="commit", timeout=WITHIN)
        await self._page.wait_for_function(usable, timeout=WITHIN, polling=20)
        ready = time.time()
        html = await whole
        self._page.remove_listener("response", answered)
        self._page.remove_listener("requestfinished", finished)
        memory = await asyncio.to_thread(lambda: held(server_of(self._platform)))
        await self._page.goto("about:blank")
        await asyncio.to_thread(close, self._platform)
        return Opened(html=html - began, usable=ready - began, memory=memory)


@asynccontextmanager
async def clicking(platform: Platform) -> AsyncIterator[Clicks]:
    """Give somebody who has just signed in."""
    async with open_browser() as browser, person(browser) as context:
        page = await context.new_page()
        await page.goto(platform.url)
        await page.get_by_label("User name").fill(USER)
        await page.get_by_label("Password", exact=True).fill(platform.password(USER))
        await page.get_by_role("button", name="Sign in").click()
        await page.get_by_role("heading", name="Catalogue").wait_for(timeout=WITHIN)
        clicks = Clicks(platform=platform, page=page)
        await clicks.listen()
        yield clicks


async def bare_until_usable(folder: Path, usable: str) -> float:
    """Return the time from `docker run` of bare Voilà until its page can be used in a browser that waits for it (s); infinite where it never can."""
    async with open_browser() as browser, person(browser) as context:
        page = await context.new_page()
        began = time.perf_counter()
        with serving(folder, command=BARE) as (_, url):
            # Nothing outside is reachable on most test machines; it must not be punished for waiting.
            await page.route(lambda asked: not asked.startswith(url), lambda route: route.abort())
            await asyncio.to_thread(answers, url)
            await page.goto(f"{url}/?token={TOKEN}", wait_until="commit")
            try:
                await page.wait_for_function(usable, timeout=BARE_WITHIN, polling=20)
            except PlaywrightTimeout:
                return math.inf
            return time.perf_counter() - began


def server_of(platform: Platform) -> str:
    """Return the name of the one container of a server."""
    (folder,) = (platform.root / "containers").glob("gavip-server-*")
    return folder.name


def close(platform: Platform) -> None:
    """Close what is open, and wait until its container is gone."""
    platform.close_servers(USER)
    eventually(lambda: not list((platform.root / "containers").glob("gavip-server-*")), "it is gone")


def spare_ready(platform: Platform) -> None:
    """Wait until a spare stands ready: it is there, and computes no more."""
    eventually(lambda: _idle(list((platform.root / "containers").glob("gavip-spare-*"))), "a spare is ready")


def _idle(spares: list[Path]) -> bool:
    try:
        before = [cpu_seconds(spare.name) for spare in spares]
        time.sleep(0.5)
        return bool(spares) and before == [cpu_seconds(spare.name) for spare in spares]
    except (psutil.NoSuchProcess, subprocess.CalledProcessError):  # it is just being started
        return False
