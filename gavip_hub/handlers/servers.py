"""Open interfaces, and those that somebody waits for."""

from typing_extensions import override

from avi_kernel.protocol.api import NoticeView, Presence, ServerOpen, ServerView, WaitView
from gavip_hub.exceptions import (
    BadRequest,
    Conflict,
    Forbidden,
    NoRoom,
    NotFound,
    SpaceFull,
    TooLarge,
    Unavailable,
    Withdrawn,
)
from gavip_hub.handlers.operations import ApiHandler, operation

OPEN = "custom:gavip:open:servers"


class Servers(ApiHandler):
    """The asker's servers."""

    path = "/servers"

    @override
    @operation(id="servers.list", summary="List your servers", scope=OPEN, returns=list[ServerView])
    async def get(self) -> list[ServerView]:
        """Return what is open, starting or waiting for room."""
        found: list[ServerView] = await self.in_thread(self.services.servers.of, owner=self.require().name)
        return found

    @override
    @operation(
        id="servers.open",
        summary="Open an AVI's interface",
        scope=OPEN,
        body=ServerOpen,
        returns=ServerView,
        status=202,
        errors=(NotFound, Withdrawn, BadRequest, Conflict, NoRoom, TooLarge, SpaceFull, Unavailable),
    )
    async def post(self, body: ServerOpen) -> ServerView:
        """Start it with the asker's own token; where there is no room, it says why and what it waits for."""
        view: ServerView = await self.services.opening.open(self.require(), self.user_token, body)
        return view


class OneServer(ApiHandler):
    """One server of the asker."""

    path = "/servers/{server}"

    @override
    @operation(
        id="servers.close",
        summary="Close a server",
        scope=OPEN,
        returns=ServerView,
        status=202,
        errors=(NotFound, Conflict, Unavailable),
    )
    async def delete(self, server: str) -> ServerView:
        """End it, or give up waiting for it."""
        view: ServerView = await self.services.opening.close(self.require(), self.user_token, server)
        return view


class ServerWait(ApiHandler):
    """Why an interface does not open yet."""

    path = "/servers/{server}/wait"

    @override
    @operation(
        id="servers.why",
        summary="Tell why an interface waits for room, and what would open it sooner",
        scope=OPEN,
        returns=WaitView,
        errors=(NotFound, Conflict),
    )
    async def get(self, server: str) -> WaitView:
        """Return limits, place, estimate and suggestions."""
        owner = self.require().name
        view: WaitView = await self.in_thread(self.services.reservations.why, owner=owner, name=server)
        return view


class KeptServer(ApiHandler):
    """An interface that others wait for, and that its user needs."""

    path = "/servers/{server}/keep"

    @override
    @operation(
        id="servers.keep",
        summary="Keep an interface open that is to close for others",
        scope=OPEN,
        returns=ServerView,
        errors=(NotFound,),
    )
    async def post(self, server: str) -> ServerView:
        """Count it as used at this moment."""
        owner = self.require().name
        view: ServerView = await self.in_thread(self.services.evictions.keep, owner=owner, name=server)
        return view


class OwnPresence(ApiHandler):
    """What the program of an open interface tells of its user, with its own token, and is told."""

    path = "/servers/self/presence"

    @override
    @operation(
        id="servers.presence",
        summary="Tell when this interface was used last, and learn whether it is to close",
        interface_token=True,
        body=Presence,
        returns=NoticeView,
        errors=(Forbidden,),
    )
    async def post(self, body: Presence) -> NoticeView:
        """Believe it of its own server, whose token it has, and of no other."""
        profile = self.require()
        if profile.avi is None:
            raise Forbidden("This is for open interfaces: send the token of one.")
        view: NoticeView = await self.in_thread(
            self.services.evictions.hear, owner=profile.name, name=profile.avi, silence=body.silence
        )
        return view


HANDLERS: tuple[type[ApiHandler], ...] = (Servers, OneServer, ServerWait, KeptServer, OwnPresence)
