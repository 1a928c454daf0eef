"""Whether an interface is to close for others: what it asks the platform, and what its page is told."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import tornado.web
from playwright.async_api import Page, expect
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets

from avi_kernel.interface.activity import Activity
from avi_kernel.interface.notices import Notice, Notices, Place
from avi_kernel.protocol.api import NoticeView
from tests.support.interface import Interface, interface, write_notebook

WORDS = "Others are waiting for memory, and this interface has not been used for a while."
PATIENCE = 60_000


class Platform:
    """Says what a test tells it to, and remembers what it was told."""

    def __init__(self) -> None:
        self.closes_in: float | None = None
        self.ask_again_in = 0.01
        self.is_away = False
        self.heard: asyncio.Queue[tuple[str, float]] = asyncio.Queue()
        self.url = ""

    def answer(self, handler: tornado.web.RequestHandler) -> None:
        silence = json.loads(handler.request.body)["silence"]
        self.heard.put_nowait((handler.request.headers["Authorization"], silence))
        if self.is_away:
            raise tornado.web.HTTPError(502)
        words = WORDS if self.closes_in is not None else ""
        handler.write({"closes_in": self.closes_in, "words": words, "ask_again_in": self.ask_again_in})


@pytest.fixture
async def platform() -> AsyncIterator[Platform]:
    told = Platform()

    class Presence(tornado.web.RequestHandler):
        def post(self) -> None:
            told.answer(self)

    server = HTTPServer(tornado.web.Application([("/api/servers/self/presence", Presence)]))
    sockets = bind_sockets(0, "127.0.0.1")
    server.add_sockets(sockets)
    told.url = f"http://127.0.0.1:{sockets[0].getsockname()[1]}/api"
    yield told
    server.stop()
    await server.close_all_connections()


@pytest.fixture
def activity() -> Activity:
    return Activity(log=logging.getLogger("test"))


@pytest.fixture
async def notices(platform: Platform, activity: Activity) -> AsyncIterator[Notices]:
    place = Place.of_platform({"GAVIP_API_URL": platform.url, "JUPYTERHUB_API_TOKEN": "t"})
    assert place is not None
    made = Notices(activity=activity, log=logging.getLogger("test"))
    asking = asyncio.create_task(made.keep_asking(place))
    async with asyncio.timeout(10):
        yield made
    asking.cancel()


def test_what_the_platform_answers_is_read_as_its_own_models_write_it() -> None:
    said = NoticeView(closes_in=12.5, words=WORDS, ask_again_in=3)
    assert vars(Notice.read(said.model_dump_json().encode())) == said.model_dump()


async def test_it_asks_with_its_own_token_and_passes_on_what_it_is_told(
    platform: Platform, notices: Notices
) -> None:
    token, silence = await platform.heard.get()
    assert (token, silence < 10) == ("token t", True)
    assert notices.told == {"closes_in": None, "words": ""}
    platform.closes_in = 80
    while notices.told["closes_in"] is None:
        await platform.heard.get()
    assert notices.told["words"] == WORDS
    assert 70 < float(notices.told["closes_in"]) <= 80


async def test_what_its_user_does_while_it_is_to_close_is_told_at_once(
    platform: Platform, notices: Notices, activity: Activity
) -> None:
    platform.closes_in, platform.ask_again_in = 80, 3600
    while notices.told["closes_in"] is None:
        await asyncio.sleep(0.01)
    while not platform.heard.empty():
        platform.heard.get_nowait()
    platform.closes_in = None
    activity.touch()
    _, silence = await platform.heard.get()
    assert silence < 5
    while notices.told["closes_in"] is not None:
        await asyncio.sleep(0.01)


async def test_a_platform_that_does_not_answer_takes_nothing_back(
    platform: Platform, notices: Notices
) -> None:
    platform.closes_in = 80
    while notices.told["closes_in"] is None:
        await platform.heard.get()
    platform.is_away = True
    for _ in range(3):
        await platform.heard.get()
    assert notices.told["words"] == WORDS


def test_where_there_is_no_platform_nobody_is_asked() -> None:
    assert Place.of_platform({"JUPYTERHUB_API_TOKEN": "t"}) is None


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Interface]:
    write_notebook(tmp_path / "app.ipynb", "import ipywidgets\nipywidgets.IntSlider()")
    async with interface(tmp_path) as server:
        yield server


async def test_a_page_asks_its_own_server_and_no_other_site_keeps_it_open(served: Interface) -> None:
    async with served.client() as person, served.client(known=False) as stranger:
        assert (await person.get("api/notice")).json() == {"closes_in": None, "words": ""}
        assert (await stranger.get("api/notice")).status_code in {302, 403}
        kept = await person.post("api/notice", headers={"Origin": served.origin})
        foreign = await person.post("api/notice", headers={"Origin": "http://evil.test"})
    assert (kept.status_code, foreign.status_code) == (200, 403)


@pytest.mark.browser
async def test_the_page_says_when_it_closes_and_is_kept_by_a_click(served: Interface, page: Page) -> None:
    """What the platform says is played: the page's own server has none here."""
    says = {"closes_in": 60.0, "words": WORDS}
    asked: list[str] = []

    async def answer(route) -> None:  # type: ignore[no-untyped-def]
        asked.append(route.request.method)
        if route.request.method == "POST":
            says["closes_in"] = None
        await route.fulfill(json=says)

    await page.route("**/api/notice", answer)
    await page.goto(served.address)
    await page.wait_for_function("() => document.querySelector('.widget-slider')", timeout=PATIENCE)
    await page.evaluate("gavip.watchNotice()")  # else only behind a portal
    banner = page.locator("#gavip-closing")
    await expect(banner).to_contain_text(f"{WORDS} It closes in", timeout=PATIENCE)
    assert await page.evaluate("!document.querySelector('main').inert")
    await banner.get_by_role("button", name="Keep it open").click()
    await expect(banner).to_have_count(0)
    assert "POST" in asked


@pytest.mark.browser
async def test_a_page_that_was_told_says_why_it_ended(served: Interface, page: Page) -> None:
    says = {"closes_in": 0.0, "words": WORDS}
    await page.route("**/api/notice", lambda route: route.fulfill(json=says))
    await page.goto(served.address)
    await page.wait_for_function("() => document.querySelector('.widget-slider')", timeout=PATIENCE)
    await page.evaluate(
        "document.querySelector('.gavip-header').dataset.avi = '/avis/stars'; gavip.watchNotice()"
    )
    await expect(page.locator("#gavip-closing")).to_contain_text("in 0 s", timeout=PATIENCE)
    await page.route("**/api/kernels/*", lambda route: route.fulfill(status=404))
    served.process.kill()
    notice = page.locator("#gavip-notice")
    await expect(notice).to_contain_text("others were waiting for what it held", timeout=PATIENCE)
    await expect(notice.get_by_role("link", name="Open it again")).to_have_attribute(
        "href", "/avis/stars/open"
    )
    await expect(page.locator("#gavip-closing")).to_have_count(0)
