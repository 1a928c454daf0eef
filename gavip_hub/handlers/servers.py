"""Open interfaces, and those that somebody waits for."""

from typing_extensions import override

from avi_kernel.protocol.api import ServerOpen, ServerView
from gavip_hub.exceptions import BadRequest, Conflict, NoRoom, NotFound, TooLarge, Unavailable
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
        errors=(NotFound, BadRequest, Conflict, NoRoom, TooLarge, Unavailable),
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


HANDLERS: tuple[type[ApiHandler], ...] = (Servers, OneServer)
