"""Doors by which files are asked for, and a browser that notices what runs and whom it asks."""

import re
import socket
import threading
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import httpx

from tests.support.browser import DESKTOP, FLAGS, Seen, watch
from tests.support.hostile_contents import ELSEWHERE, MB
from tests.support.needs import need_program
from tests.support.people import sign_in
from tests.support.platform import Platform

if TYPE_CHECKING:
    from playwright.async_api import Page

PORTAL = "/services/gavip"
SECRET = "what-nobody-else-may-read"
BLOCKED = re.compile(r"sandbox|Content Security Policy|Content-Security-Policy")
"""What a browser says of what it kept from running."""


class Asked:
    """What somebody is answered: never an error of the platform's, and never what is not theirs."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def __call__(self, path: str, method: str = "GET", **options: Any) -> httpx.Response:
        answer = self._client.request(method, path, **options)
        assert answer.status_code < 500, (method, path[:300], answer.text[:500])
        assert SECRET.encode() not in answer.content, path
        assert b"root:x:0" not in answer.content, path
        if answer.is_success:  # a refusal may be the proxy's or the Hub's own
            assert answer.headers["X-Content-Type-Options"] == "nosniff", path
        return answer

    def page(self, address: str, /, **query: Any) -> httpx.Response:
        return self(f"{PORTAL}/{address}", params=query)


@contextmanager
def asking(platform: Platform, user: str, **headers: str) -> Iterator[Asked]:
    """Give what asks for pages with a person's token."""
    with platform.browserless(headers={"Authorization": f"Bearer {platform.token(user)}", **headers}) as http:
        yield Asked(http)


def sent(ask: Asked, path: str, content: bytes) -> httpx.Response:
    """Upload a file by tus, as browsers do; return the last answer."""
    told = f"path {b64encode(path.encode()).decode()}"
    tus = {"Tus-Resumable": "1.0.0"}
    begun = ask(
        f"{PORTAL}/files/uploads",
        "POST",
        headers={**tus, "Upload-Length": str(len(content)), "Upload-Metadata": told},
    )
    if begun.status_code != 201:
        return begun
    for offset in range(0, len(content), 4 * MB):
        headers = {**tus, "Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream"}
        begun = ask(
            begun.headers.get("Location", path_of(begun)),
            "PATCH",
            headers=headers,
            content=content[offset : offset + 4 * MB],
        )
        assert begun.status_code == 204, begun.text
    return begun


def path_of(answer: httpx.Response) -> str:
    return answer.request.url.raw_path.decode()


@contextmanager
def dav(platform: Platform, user: str = "scientist") -> Iterator[Asked]:
    with platform.browserless(auth=("any", platform.token(user))) as http:
        yield Asked(http)


@dataclass
class Elsewhere:
    """A host that nobody is to ask: it counts who comes."""

    port: int
    came: int = 0


@contextmanager
def listening() -> Iterator[Elsewhere]:
    """Run the other host."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        there = Elsewhere(port=server.getsockname()[1])

        def count() -> None:
            with suppress(OSError):
                while True:
                    line, _ = server.accept()
                    there.came += 1
                    line.close()

        threading.Thread(target=count, daemon=True).start()
        yield there
        server.shutdown(socket.SHUT_RDWR)


@dataclass
class Tab:
    """Somebody's tab, and what happened in it."""

    page: "Page"
    url: str
    seen: Seen
    asked: list[str] = field(default_factory=list)
    """Dialogues that were opened, and errors that are no keeping from running."""

    async def show(self, address: str, /, **query: str) -> None:
        """Open a page of the portal, and look at it as soon as all in it has come."""
        told = f"?{urlencode(query)}" if query else ""
        answer = await self.page.goto(f"{self.url}{PORTAL}/{address}{told}", wait_until="load")
        assert answer is not None
        assert answer.status == 200, (address, query, answer.status)
        await self.nothing_ran(f"{address} {query}")

    async def nothing_ran(self, where: str) -> None:
        assert await self.page.evaluate("window.ran") is None, where
        assert self.asked == [], where
        assert not [url for url in self.seen.requests if "canary" in url], where
        hosts = self.seen.hosts() - {self.url.removeprefix("http://")}
        # A request that a policy stopped is told of, and never sent.
        stopped = {failed.split()[0] for failed in self.seen.failed if re.search(r"csp|BLOCKED", failed)}
        sent = {url for url in self.seen.requests if any(f"//{host}/" in url for host in hosts)}
        assert sent <= stopped, where


@asynccontextmanager
async def tabs(platform: Platform, elsewhere: Elsewhere, *users: str) -> AsyncIterator[list[Tab]]:
    """Give a tab to each of some people, in a browser in which the other host is found."""
    from playwright.async_api import async_playwright

    chromium = need_program("chromium", "apt-get install -y chromium")
    rules = f"--host-resolver-rules=MAP {ELSEWHERE} 127.0.0.1:{elsewhere.port}"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=[*FLAGS, rules])
        made = []
        for user in users:
            context = await browser.new_context(viewport=DESKTOP)
            page = await context.new_page()
            await sign_in(page, platform, user)
            tab = Tab(page=page, url=platform.url, seen=watch(page))
            page.on("dialog", lambda dialog, tab=tab: tab.asked.append(dialog.message))
            page.on("console", lambda line, tab=tab: _note(tab, line.type, line.text, line.location["url"]))
            page.on("pageerror", lambda error, tab=tab: tab.asked.append(str(error)))
            made.append(tab)
        try:
            yield made
        finally:
            await browser.close()


def _note(tab: Tab, kind: str, text: str, url: str) -> None:
    """Keep what a page complains of, but for what was kept from running within a file's own frame."""
    is_stopped = BLOCKED.search(text) and (not url or url == "about:srcdoc" or "/content" in url)
    if kind == "error" and not is_stopped:
        tab.asked.append(f"{text} ({url})")
