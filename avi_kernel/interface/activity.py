"""Tell the Hub when a person last did something here, and nothing more often than needed."""

import asyncio
import json
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

from tornado.httpclient import AsyncHTTPClient, HTTPRequest

INTERVAL = 300.0
"""Seconds between two reports at most: the Hub answers every server of the platform, one at a time."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """Where and as whom to report."""

    url: str
    token: str
    server: str

    @classmethod
    def from_hub(cls, env: Mapping[str, str]) -> "Report | None":
        """Read what the Hub gave; None where there is no Hub.

        `JUPYTERHUB_ACTIVITY_URL` is not used: it holds the Hub's own address, which a box cannot reach.
        """
        if not {"JUPYTERHUB_API_URL", "JUPYTERHUB_API_TOKEN", "JUPYTERHUB_USER"} <= env.keys():
            return None
        user = quote(env["JUPYTERHUB_USER"], safe="@~")
        return cls(
            url=f"{env['JUPYTERHUB_API_URL'].rstrip('/')}/users/{user}/activity",
            token=env["JUPYTERHUB_API_TOKEN"],
            server=env.get("JUPYTERHUB_SERVER_NAME", ""),
        )


class Activity:
    """When the user last did something: opened the page, or moved a widget. Pings do not count."""

    def __init__(self, *, log: logging.Logger) -> None:
        self.last: datetime = datetime.now(UTC)
        self.touched = asyncio.Event()
        """Set at each touch; whoever waits for one clears it."""
        self._touched_at = time.monotonic()
        self._reported: datetime | None = None
        self._log = log

    def touch(self) -> None:
        """Note that somebody is there."""
        self.last = datetime.now(UTC)
        self._touched_at = time.monotonic()
        self.touched.set()

    @property
    def silence(self) -> float:
        """Return the seconds since then, by a clock that nobody sets."""
        return time.monotonic() - self._touched_at

    async def keep_reporting(self, report: Report, *, interval: float = INTERVAL) -> None:
        """Report for ever, each time that there is something new."""
        while True:
            if self._reported is None or self.last > self._reported:
                await self._send(report)
            await asyncio.sleep(interval)

    async def _send(self, report: Report) -> None:
        last = self.last
        moment = last.isoformat().replace("+00:00", "Z")
        body = {"servers": {report.server: {"last_activity": moment}}, "last_activity": moment}
        request = HTTPRequest(
            report.url,
            method="POST",
            headers={"Authorization": f"token {report.token}", "Content-Type": "application/json"},
            body=json.dumps(body),
        )
        try:
            await AsyncHTTPClient().fetch(request)
        except Exception as error:  # noqa: BLE001  # whatever it is, the next round tries again
            self._log.warning("The Hub did not take our activity: %s", error)
        else:
            self._reported = last
