"""Pages about servers: those of the asker, and the way from a click to an open interface."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Literal

from typing_extensions import override

from avi_kernel.protocol.api import EventView, ServerOpen, ServerView, WaitView
from avi_kernel.protocol.links import with_values
from gavip_hub.exceptions import Conflict, NotFound
from gavip_hub.handlers.forms import LONGEST_ID
from gavip_hub.handlers.links import asks_to_start, is_foreign, link_of
from gavip_hub.handlers.page_base import PortalPage
from gavip_hub.handlers.servers import OPEN

Starts = Literal["asked", "itself", "foreign"]
"""When its button is pressed; by itself; by the button, since a link of another site's led here."""
FAILURE_IS_NEWS = timedelta(minutes=10)
_SENTENCES = {
    "waiting": "It waits for room, and starts by itself as long as this page is open.",
    "starting": "Its server starts; that takes a few seconds.",
    "ready": "This page goes there by itself.",
    "stopping": "It is just closing; try again in a few seconds.",
    "closed": "It is not running. It starts again from here, and what you saved is kept.",
}


@dataclass(frozen=True, kw_only=True)
class Opening:
    """How far an interface is on its way."""

    state: Literal["waiting", "starting", "ready", "failed", "closed"]
    sentence: str
    url: str = ""
    version: str = ""
    """The one that is open, or that the platform closed; else the newest is opened."""
    since: datetime | None = None
    """Since when it waits or starts."""
    settled: bool = True
    """Whether it may be opened without a word: not where the platform closed it and says why, nor while it closes."""


def opening_of(server: ServerView | None, last: EventView | None, *, now: datetime) -> Opening:
    """Tell how far an interface is, from its ledger row and, where there is none, from what happened last."""
    if server is None:
        failed = last is not None and last.data.get("state") == "failed" and now - last.at < FAILURE_IS_NEWS
        if last is not None and failed:
            return Opening(state="failed", sentence=str(last.data.get("reason") or "No reason was given."))
        return _closed(last)
    state = "closed" if server.state == "stopping" else server.state
    sentence = server.reason or _SENTENCES[server.state]
    url = server.url if state == "ready" else ""
    since = last.at if last is not None and last.data.get("state") == state else None
    return Opening(
        state=state,
        sentence=sentence,
        url=url,
        version=server.version or "",
        since=since,
        settled=server.state != "stopping",
    )


def _closed(last: EventView | None) -> Opening:
    """Tell that it is closed, and where the platform closed it, why: it opens again as it was."""
    reason = str(last.data.get("reason") or "") if last and last.data.get("state") == "stopped" else ""
    if last is None or not reason:
        return Opening(state="closed", sentence=_SENTENCES["closed"])
    sentence = f"{reason} {_SENTENCES['closed']}"
    version = str(last.data.get("version") or "")
    return Opening(state="closed", sentence=sentence, version=version, settled=False)


class OpenPage(PortalPage):
    """The wait between a click and an interface, told honestly; a POST starts it."""

    nav = "catalogue"

    @override
    async def get(self, name: str) -> None:
        await self._show(name)

    async def _show(self, name: str) -> None:
        link = link_of(self)
        avi = await self.in_thread(self.services.releases.avi, viewer=self.owner, name=name)
        server = await self.server(name)
        last = await self.in_thread(self.services.events.latest_of_subject, owner=self.owner, subject=name)
        opening = opening_of(server, last, now=datetime.now(UTC))
        asked = self.get_query_argument("version", "")[:LONGEST_ID]
        shown = vars(replace(opening, version=opening.version or asked))
        self.render_page(
            "opening.html",
            avi=name,
            title=avi.title,
            owner=avi.owner,
            starts=await self._starts(name, opening, link) if avi.has_interface else "asked",
            here=with_values(f"avis/{name}/open", link),
            wait=await self._wait(name) if opening.state == "waiting" else None,
            **shown | {"url": with_values(opening.url, link) if opening.url else ""},
        )

    async def _starts(self, name: str, opening: Opening, link: dict[str, str]) -> Starts:
        """Tell whether the page starts the interface by itself.

        A link of another site's must not run, unasked, an AVI that its reader never used: that is a stranger's code, and it reads
        their files.
        """
        if opening.state != "closed" or not (opening.settled and asks_to_start(self, link)):
            return "asked"
        if not is_foreign(self):
            return "itself"
        used = await self.in_thread(self.services.finding.has_used, user=self.owner, avi=name)
        return "itself" if used else "foreign"

    async def _wait(self, name: str) -> WaitView | None:
        try:
            found: WaitView = await self.in_thread(
                self.services.reservations.why, owner=self.owner, name=name
            )
        except (Conflict, NotFound):  # it opens just now; the page follows by itself
            return None
        return found

    @override
    async def post(self, name: str) -> None:
        profile = self.require(OPEN)
        link_of(self)  # what no link may carry starts nothing
        request = ServerOpen(avi=name, version=self.sent().get("version", "")[:LONGEST_ID] or None)
        server = await self.services.opening.open(profile, self.user_token, request)
        if server.state == "ready":
            await self._show(
                name
            )  # a page that goes on at once; to be sent to it first would cost another way
        else:
            self.go(with_values(f"avis/{name}/open", link_of(self)))


class ServersPage(PortalPage):
    """The asker's servers and pools."""

    nav = "servers"
    scope = OPEN

    @override
    async def get(self) -> None:
        servers = await self.in_thread(self.services.servers.of, owner=self.owner)
        pools = [
            await self.pool(),
            await self.in_thread(self.services.quotas.platform_pool),
        ]
        closed = await self.in_thread(self.services.evictions.closed_lately, owner=self.owner)
        names = [server.avi for server in servers if server.avi] + [server.avi for server in closed]
        titles = await self.in_thread(self.services.finding.titles, names)
        self.render_page("servers.html", servers=servers, closed=closed, titles=titles, pools=pools)


class KeepServer(PortalPage):
    """Keep an interface open that is to close for others."""

    @override
    async def post(self, name: str) -> None:
        profile = self.require(OPEN)
        await self.in_thread(self.services.evictions.keep, owner=profile.name, name=name)
        self.go("servers")


class CloseServer(PortalPage):
    """Close a server, or stop waiting for one."""

    @override
    async def post(self, name: str) -> None:
        profile = self.require(OPEN)
        await self.services.opening.close(profile, self.user_token, name)
        self.go_back_or("servers")
