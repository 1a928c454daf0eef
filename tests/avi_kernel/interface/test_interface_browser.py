"""The interface in a real browser, as a person opens, turns, reloads and leaves it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, Route, WebSocketRoute, expect

from benchmarks.support.notebooks import write_yardstick
from tests.support.browser import PHONE, person, watch
from tests.support.interface import Interface, eventually, interface, write_notebook

pytestmark = pytest.mark.browser
PATIENCE = 60_000
DRAWN = """() => document.querySelectorAll('.widget-slider').length >= 6
  && document.body.innerText.includes('power is 2')
  && document.body.innerText.includes('written into an output')
  && [...document.images].some(image => image.naturalWidth > 100)"""
BUTTON = """
import ipywidgets as widgets, os
button = widgets.Button(description="end it")
button.on_click(lambda _: os._exit(1))
button
"""


PLAYED_LINE = """() => {
    // A connection and a time of the test's own.
    const heard = [], timers = new Map();
    window.setTimeout = (act) => { timers.set(timers.size + 1, act); return timers.size; };
    window.clearTimeout = (number) => { timers.set(number, () => {}); };
    window.pass = () => [...timers].forEach(([number, act]) => { timers.set(number, () => {}); act(); });
    window.fetch = () => new Promise((resolve) => { window.answer = () => resolve({ ok: true, status: 200 }); });
    const line = { connectionStatus: "connecting", connectionStatusChanged: { connect: (each) => heard.push(each) } };
    window.turns = (status) => { line.connectionStatus = status; heard.forEach((each) => each()); };
    gavip.watchConnection(line);
}"""


class Line:
    """The way of a page's WebSocket to its server, which can be cut."""

    def __init__(self) -> None:
        self.up = True
        self._open: list[WebSocketRoute] = []

    async def carry(self, socket: WebSocketRoute) -> None:
        if self.up:
            socket.connect_to_server()
            self._open.append(socket)
        else:
            await socket.close()

    async def cut(self) -> None:
        self.up = False
        for socket in self._open:
            await socket.close()


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Interface]:
    write_yardstick(tmp_path)
    async with interface(tmp_path) as server:
        yield server


async def drawn(page: Page, address: str) -> None:
    await page.goto(address, wait_until="commit")
    await page.wait_for_function(DRAWN, timeout=PATIENCE)


async def test_turning_a_knob_reaches_the_kernel_and_comes_back(served: Interface, page: Page) -> None:
    seen = watch(page)
    await drawn(page, served.address)
    await page.locator(".noUi-handle").first.press("ArrowRight")
    await page.wait_for_function("() => document.body.innerText.includes('power is 3')", timeout=PATIENCE)
    assert seen.errors == []
    assert seen.hosts() == {served.origin.removeprefix("http://")}
    assert await page.locator("mjx-container").count() == 1  # the formula, by the MathJax of this machine
    assert len(seen.requests) < 25


async def test_a_phone_at_night(served: Interface, browser: Browser) -> None:
    async with person(browser, viewport=PHONE, dark=True) as somebody:
        page = await somebody.new_page()
        await drawn(page, served.address)
        assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        colours = await page.evaluate(
            "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]"
        )
        paper, ink = (sum(int(part) for part in colour[4:-1].split(",")) for colour in colours)
        assert paper < 200
        assert ink > 500
        assert await page.get_attribute("body", "data-jp-theme-light") == "false"


async def test_a_session_that_ended_says_so(tmp_path: Path, page: Page) -> None:
    write_notebook(tmp_path / "app.ipynb", BUTTON)
    async with interface(tmp_path) as server:
        await page.goto(server.address)
        await page.get_by_role("button", name="end it").click(timeout=PATIENCE)
        await page.get_by_role("button", name="Start afresh").click(timeout=PATIENCE)
        await page.get_by_role("button", name="end it").wait_for(timeout=PATIENCE)


async def test_a_page_whose_server_is_gone_offers_no_controls(served: Interface, page: Page) -> None:
    await drawn(page, served.address)
    served.process.kill()
    notice = page.locator("#gavip-notice")
    await expect(notice).to_contain_text("Not connected; trying again.", timeout=PATIENCE)
    assert await page.evaluate("document.querySelector('main').inert")
    # What the Hub answers at the address of a server that was closed.
    await page.route("**/api/kernels/*", lambda route: route.fulfill(status=404))
    await expect(notice).to_contain_text("This session has ended", timeout=PATIENCE)


async def test_a_view_that_was_drawn_in_vain_is_drawn_again(served: Interface, page: Page) -> None:
    await drawn(page, served.address)
    lost = """() => {
        const place = [...gavip.views.keys()].at(-1);
        place.textContent = "Error displaying widget: model not found";
        return gavip.redraw(window.jupyterapp.widgetManager);
    }"""
    await page.evaluate(lost)
    await page.wait_for_function(DRAWN, timeout=PATIENCE)
    await page.locator(".noUi-handle").last.press("ArrowRight")
    assert "model not found" not in await page.inner_text("body")


async def test_a_page_whose_script_is_refused_says_so_and_offers_to_load_it_again(
    served: Interface, page: Page
) -> None:
    await page.route("**/voila.js", lambda route: route.abort())
    await page.goto(served.address)
    await expect(page.locator("#gavip-loading")).to_contain_text("A part of this page has not arrived")
    await page.unroute("**/voila.js")
    await page.get_by_role("button", name="Load it again").click()
    await page.wait_for_function(DRAWN, timeout=PATIENCE)


async def test_a_page_whose_script_is_late_says_so_and_goes_on_once_it_comes(
    served: Interface, page: Page
) -> None:
    asked: asyncio.Future[Route] = asyncio.get_running_loop().create_future()
    await page.clock.install()
    await page.route("**/voila.js", lambda route: asked.set_result(route))  # noqa: PLW0108 - no method of C can be marked
    await page.goto(served.address, wait_until="commit")
    script = await asked
    await page.wait_for_function("() => window.cellLoaded", timeout=PATIENCE)
    await expect(page.locator("#gavip-loading")).not_to_contain_text("has not arrived")
    await page.clock.fast_forward(20_000)
    await expect(page.locator("#gavip-loading")).to_contain_text("A part of this page has not arrived")
    await script.continue_()
    await page.wait_for_function(DRAWN, timeout=PATIENCE)
    await expect(page.locator("#gavip-loading")).to_have_count(0)


async def test_a_connection_that_comes_back_is_used_again(served: Interface, page: Page) -> None:
    line = Line()
    await page.route_web_socket("**/channels*", line.carry)
    await drawn(page, served.address)
    await line.cut()
    await page.locator("#gavip-notice").wait_for(timeout=PATIENCE)
    line.up = True
    await page.locator("#gavip-notice").wait_for(state="detached", timeout=PATIENCE)
    await page.locator(".noUi-handle").first.press("ArrowRight")
    await page.wait_for_function("() => document.body.innerText.includes('power is 3')", timeout=PATIENCE)


async def test_a_connection_that_comes_back_while_the_page_asks_is_watched_on(
    served: Interface, page: Page
) -> None:
    await drawn(page, served.address)
    await page.evaluate(PLAYED_LINE)
    await page.evaluate("pass()")
    assert await page.locator("#gavip-notice").count() == 1
    await page.evaluate("turns('connected'); answer()")
    assert await page.locator("#gavip-notice").count() == 0
    await page.evaluate("pass()")
    await page.evaluate("turns('disconnected')")
    await page.evaluate("pass()")
    assert await page.locator("#gavip-notice").count() == 1


async def _reloads(served: Interface, page: Page, times: int) -> None:
    await drawn(page, served.address)
    for _ in range(times):
        await drawn(page, served.url)
        await eventually(lambda: len(served.kernels()) == 1)
    await page.close()
    await page.context.close()


async def _four_at_once(served: Interface, browser: Browser, times: int) -> None:
    for _ in range(times):
        async with person(browser) as somebody:
            await (await somebody.new_page()).goto(served.address, wait_until="commit")
            views = [await somebody.new_page() for _ in range(4)]
            await asyncio.gather(*(drawn(view, served.url) for view in views))
            await asyncio.gather(*(view.close(run_before_unload=True) for view in somebody.pages))
            await eventually(lambda: not served.kernels())


async def test_ten_reloads_leave_one_kernel_and_none_hangs(served: Interface, page: Page) -> None:
    await _reloads(served, page, 10)


async def test_four_views_at_once_twice(served: Interface, browser: Browser) -> None:
    await _four_at_once(served, browser, 2)


@pytest.mark.acceptance
@pytest.mark.timeout(1200)
async def test_a_hundred_reloads_leave_one_kernel_and_none_hangs(served: Interface, page: Page) -> None:
    await _reloads(served, page, 100)


@pytest.mark.acceptance
@pytest.mark.timeout(1200)
async def test_four_views_at_once_twenty_times(served: Interface, browser: Browser) -> None:
    await _four_at_once(served, browser, 20)
