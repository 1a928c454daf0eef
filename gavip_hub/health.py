"""What the service's health is made of."""

from functools import partial

from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest

from gavip_hub.backends.sandbox import SandboxReport
from gavip_hub.exceptions import Unavailable
from gavip_hub.handlers.probe import HealthProbe
from gavip_hub.hub.access import WEBDAV_MOUNT
from gavip_hub.hub.client import HubClient
from gavip_hub.scheduler.loop import SchedulerLoop
from gavip_hub.storage.database import Database
from gavip_hub.storage.disk import DiskSpace
from gavip_hub.threads import Threads

ANSWER_SECONDS = 2.0


async def answers(webdav_url: str) -> bool:
    """Tell whether the WebDAV server is up."""
    request = HTTPRequest(f"{webdav_url}{WEBDAV_MOUNT}/.health", request_timeout=ANSWER_SECONDS)
    try:
        await AsyncHTTPClient().fetch(request)
    except (HTTPClientError, OSError):
        return False
    return True


def make_probe(
    *,
    database: Database,
    disk: DiskSpace,
    scheduler: SchedulerLoop,
    hub: HubClient,
    report: SandboxReport,
    threads: Threads,
    webdav_url: str = "",
) -> HealthProbe:
    """Return what looks at them.

    Parameters
    ----------
    threads
        For this alone: while the database stands still, all others wait for it.
    webdav_url
        Of the WebDAV server behind the proxy; empty where there is none.
    """

    async def database_takes_changes() -> str:
        try:
            await threads(database.require_writable)
        except Unavailable as error:
            return error.message
        return ""

    async def hub_answers() -> str:
        return "" if await hub.answers() else "The Hub does not answer."

    async def disk_has_room() -> str:
        short = disk.shortage()
        return f"Nothing new starts: {short}." if short else ""

    async def webdav_answers() -> str:
        return "" if not webdav_url or await answers(webdav_url) else "WebDAV does not answer."

    return HealthProbe(
        looks={
            "database": database_takes_changes,
            "scheduler": partial(_problem, scheduler),
            "hub": hub_answers,
            "disk": disk_has_room,
            "webdav": webdav_answers,
        },
        sandbox="enforced" if not report.missing else "partial" if report.bwrap else "none",
        notices=[report.notice] if report.notice else [],
    )


async def _problem(scheduler: SchedulerLoop) -> str:
    return scheduler.problem
