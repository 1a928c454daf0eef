"""Whether this interface is to close for others: the platform is asked, and the page is told.

The page belongs to the AVI's own origin and cannot reach the portal's events; it asks its own server, which asks the
platform with its own token. What the AVI's code makes of that concerns its own server alone.
"""

import asyncio
import json
import logging
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

import tornado.web
from jupyter_server.base.handlers import JupyterHandler
from tornado.httpclient import AsyncHTTPClient, HTTPRequest
from typing_extensions import override

from avi_kernel.interface.activity import Activity
from avi_kernel.interface.mends import OwnOriginSuffices

UNANSWERED = 60.0
"""Seconds after which a platform that did not answer is asked again."""


@dataclass(frozen=True, kw_only=True)
class Notice:
    """What the platform answered: its NoticeView. Not read by the protocol's own models, which hold 10 MB in each server."""

    closes_in: float | None
    words: str
    ask_again_in: float

    @classmethod
    def read(cls, body: bytes) -> "Notice":
        """Read an answer."""
        told = json.loads(body)
        closes_in = told["closes_in"]
        return cls(
            closes_in=None if closes_in is None else float(closes_in),
            words=str(told["words"]),
            ask_again_in=float(told["ask_again_in"]),
        )


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where and as whom to ask."""

    url: str
    token: str

    @classmethod
    def of_platform(cls, env: Mapping[str, str]) -> "Place | None":
        """Read what the box was given; None where there is no platform."""
        if not {"GAVIP_API_URL", "JUPYTERHUB_API_TOKEN"} <= env.keys():
            return None
        return cls(url=f"{env['GAVIP_API_URL']}/servers/self/presence", token=env["JUPYTERHUB_API_TOKEN"])


class Notices:
    """The platform's last word on whether this interface closes.

    While it is to close, the platform is told at once that it is used; otherwise it is asked as often as it says.
    """

    def __init__(self, *, activity: Activity, log: logging.Logger) -> None:
        self._activity = activity
        self._log = log
        self._last: Notice | None = None
        self._heard_at = 0.0
        self._place: Place | None = None

    @property
    def told(self) -> dict[str, float | str | None]:
        """Return what the page is told now: seconds until it closes, or None, and why."""
        if self._last is None or self._last.closes_in is None:
            return {"closes_in": None, "words": ""}
        gone_by = time.monotonic() - self._heard_at
        return {"closes_in": max(0.0, self._last.closes_in - gone_by), "words": self._last.words}

    async def keep_asking(self, place: Place) -> None:
        """Ask for ever."""
        self._place = place
        while True:
            self._activity.touched.clear()  # before: what is done while the platform answers is told next
            await self.ask()
            pause = self._last.ask_again_in if self._last else UNANSWERED
            if self._last is None or self._last.closes_in is None:
                await asyncio.sleep(pause)
                continue
            with suppress(TimeoutError):
                await asyncio.wait_for(self._activity.touched.wait(), pause)

    async def use(self) -> None:
        """Count this moment as used, and tell the platform."""
        self._activity.touch()
        await self.ask()

    async def ask(self) -> None:
        """Tell the platform when this interface was used last, and take its word."""
        if self._place is None:
            return
        request = HTTPRequest(
            self._place.url,
            method="POST",
            headers={"Authorization": f"token {self._place.token}", "Content-Type": "application/json"},
            body=json.dumps({"silence": self._activity.silence}),
        )
        try:
            answer = await AsyncHTTPClient().fetch(request)
            self._last = Notice.read(answer.body)
            self._heard_at = time.monotonic()
        except Exception as error:  # noqa: BLE001  # whatever it is, the next round tries again
            self._log.info("The platform did not say whether this interface stays open: %s", error)


class NoticeHandler(OwnOriginSuffices, JupyterHandler):
    """Tell the page whether it is to close, and hear that it is used."""

    @override
    def initialize(self, notices: Notices) -> None:
        self._notices = notices

    @override
    @tornado.web.authenticated
    async def get(self) -> None:
        """Tell; that somebody's page asks is no use of it."""
        self._tell()

    @override
    @tornado.web.authenticated
    async def post(self) -> None:
        """Keep it open."""
        await self._notices.use()
        self._tell()

    def _tell(self) -> None:
        self.set_header("Content-Type", "application/json")
        self.set_header("Cache-Control", "no-store")
        self.finish(json.dumps(self._notices.told))
