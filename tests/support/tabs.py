"""Tabs of signed-in people on the portal, as its own scripts keep them: one event stream, and pages fetched again.

What `static/events.js`, `regions.js` and `portal.js` do: a page that is opened listens; as the stream comes it is fetched
again, and so at each event, and every 20 s. Who goes on to another page ends the stream of the one before.
"""

import asyncio
import re
import ssl
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any

import httpx

from tests.support.platform import Platform

PORTAL = "/services/gavip"
AGAIN_EVERY = 20.0
COMES_BACK_AFTER = 1.0
STAYS = (20.0, 100.0)
"""Seconds on one page, at least and at most."""
ASKS = 0.2
"""The part of the live pages on which a job is asked for."""
HEARD_WITHIN = 10.0
NO_TLS = ssl.create_default_context()
STATIC = re.compile(rf'(?:href|src)="({PORTAL}/static/[^"]+)"')
LIVE = re.compile(r"data-live[ >]")
XSRF = re.compile(r'name="_xsrf" value="([^"]+)"')


def cookies_of(platform: Platform, user: str) -> str:
    """Sign in as a browser does, and return what it sends to the portal from then on."""
    with platform.signed_in(user) as browser:
        return browser.build_request("GET", f"{PORTAL}/").headers["cookie"]


@dataclass(kw_only=True)
class Tab:
    """One person's tab."""

    platform: Platform
    cookies: str
    paths: Sequence[str]
    """What its person looks at, one after the other."""
    job: dict[str, Any]
    """What they ask for now and then."""
    chance: Random
    seconds: list[float] = field(default_factory=list)
    """How long each page took."""
    heard: int = 0
    """Events that came."""
    refused: list[str] = field(default_factory=list)
    """What was not as it should be."""
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _live: asyncio.Event = field(default_factory=asyncio.Event)

    async def stay(self) -> None:
        """Look at one page after the other until cancelled."""
        async with self._client() as self._http:
            first = await self._go_on()
            for file in sorted(set(STATIC.findall(first))):
                await self._get(file)  # once: a browser keeps them
            while True:
                await self._look()
                await self._go_on()

    async def _go_on(self) -> str:
        self._path = self.chance.choice(self.paths)
        found = await self.page()
        self._is_live = bool(LIVE.search(found))
        return found

    async def page(self) -> str:
        """Fetch the page that is looked at, and note how long that took."""
        began = time.perf_counter()
        found = await self._get(self._path)
        self.seconds.append(time.perf_counter() - began)
        return found

    def _client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{self.platform.port}",
            headers={"Host": self.platform.url.partition("://")[2], "Cookie": self.cookies},
            timeout=60,
            limits=httpx.Limits(max_connections=6, keepalive_expiry=None),  # as browsers have it
            verify=NO_TLS,
        )

    async def _get(self, path: str) -> str:
        try:
            answer = await self._http.get(path)
        except httpx.TransportError as error:
            self.refused.append(f"{path}: {error!r}")
            return ""
        self._note(answer, httpx.codes.OK)
        return answer.text

    def _note(self, answer: httpx.Response, wanted: int) -> None:
        if answer.status_code != wanted:
            self.refused.append(f"{answer.request.url.path}: {answer.status_code}")

    async def _look(self) -> None:
        """Stay on a page for a while."""
        following = asyncio.create_task(self._follow())
        try:
            await asyncio.wait({following}, timeout=self.chance.uniform(*STAYS))
            if following.done():
                following.result()  # it never ends but by an error
        finally:
            following.cancel()
            with suppress(asyncio.CancelledError):
                await following

    async def _follow(self) -> None:
        """Have a page with live parts follow the server; now and then its person asks for a job and sees it come."""
        if not self._is_live:
            await asyncio.Event().wait()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen())
            if self.chance.random() < ASKS:
                tasks.create_task(self._submit())
            while True:
                await asyncio.sleep(AGAIN_EVERY)
                await self.page()

    async def _listen(self) -> None:
        """Hold the stream of events, and open it anew where it ends."""
        last: dict[str, str] = {}
        while True:
            try:
                async with self._http.stream("GET", f"{PORTAL}/api/events", headers=last) as stream:
                    self._note(stream, httpx.codes.OK)
                    self._live.set()
                    await self.page()
                    async for line in stream.aiter_lines():
                        last |= await self._heard(line)
            except httpx.TransportError as error:
                self.refused.append(f"the stream: {error!r}")
            await asyncio.sleep(COMES_BACK_AFTER)

    async def _heard(self, line: str) -> dict[str, str]:
        """Take a line of the stream; return where to go on after an interruption, if it tells."""
        what, _, value = line.partition(": ")
        if what == "event":
            self.heard += 1
            self._news.set()
            await self.page()
        return {"Last-Event-ID": value} if what == "id" else {}

    async def _submit(self) -> None:
        """Ask for a job with this page's token, and wait until the stream tells of it."""
        await self._live.wait()
        xsrf = XSRF.search(await self.page())
        assert xsrf, f"{self._path} has no form"
        self._news.clear()
        answer = await self._http.post(f"{PORTAL}/api/jobs", json=self.job, headers={"X-XSRFToken": xsrf[1]})
        self._note(answer, httpx.codes.CREATED)
        try:
            await asyncio.wait_for(self._news.wait(), HEARD_WITHIN)
        except TimeoutError:
            self.refused.append("the stream did not tell of a job")
