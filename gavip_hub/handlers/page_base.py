"""What the portal's pages share."""

from datetime import UTC, datetime
from typing import Any, ClassVar
from urllib.parse import quote

from typing_extensions import override

from avi_kernel.protocol.api import PoolView, ServerView
from gavip_hub.exceptions import Forbidden
from gavip_hub.handlers.base import PageHandler
from gavip_hub.handlers.context import PREFIX

ROOT = f"{PREFIX}/"


class PortalPage(PageHandler):
    """A page of the portal with its masthead and the platform's notices."""

    nav: ClassVar[str] = ""
    """Which entry of the navigation is the present one."""
    scope: ClassVar[str | None] = "custom:gavip:read:avis"
    """What the asker's token must hold."""

    @override
    async def prepare(self) -> None:
        await super().prepare()
        if self._finished:
            return
        # Pages show all that a person has; an interface's token is good for its own AVI's jobs only.
        if self.require(self.scope).avi is not None:
            raise Forbidden("The token of an interface opens no page of the portal.")

    @override
    def _namespace(self) -> dict[str, Any]:
        own = {"nav": self.nav, "notices": self.context.notices, "now": datetime.now(UTC)}
        return super()._namespace() | own

    @property
    def owner(self) -> str:
        """Name of who asks.

        Raises
        ------
        gavip_hub.exceptions.SignInRequired
            Nobody is signed in.
        """
        return self.require().name

    @property
    def groups(self) -> list[str]:
        """Groups of who asks."""
        return self.require().groups

    async def pool(self) -> PoolView:
        """Return what the asker may hold, and holds."""
        return await self.in_thread(self.pool_now)

    def pool_now(self) -> PoolView:
        """Return the same, for who is in a thread already: each way there and back waits for whatever else computes."""
        found: PoolView = self.services.quotas.user_pool(owner=self.owner, groups=self.groups)
        return found

    async def server(self, avi: str) -> ServerView | None:
        """Return the asker's open or coming interface of an AVI."""
        return await self.in_thread(self.server_now, avi)

    def server_now(self, avi: str) -> ServerView | None:
        """Return the same, for who is in a thread already."""
        found = self.services.servers.of(owner=self.owner)
        return next((server for server in found if server.name == avi), None)

    def go(self, path: str) -> None:
        """Send the browser, after a write, to a page below the portal's root."""
        self.redirect(ROOT + path, status=303)

    def go_back_or(self, path: str) -> None:
        """Send the browser back to the interface that it waits for, where it came from there; else to a page."""
        back = self.sent().get("back", "")
        self.go(f"avis/{quote(back, safe='')}/open" if back else path)

    def sent(self) -> dict[str, str]:
        """Return the form's fields; of a name that comes twice the last, which is how a check box speaks."""
        return {name: self.get_body_argument(name, strip=False) for name in self.request.body_arguments}
