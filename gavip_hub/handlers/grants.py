"""What an AVI may write in the asker's space: shown, given, withdrawn."""

from typing_extensions import override

from avi_kernel.protocol.api import GrantedFolder, GrantView, Profile
from gavip_hub.exceptions import BadParameter, Conflict, Forbidden, NotFound
from gavip_hub.handlers.operations import ApiHandler, operation
from gavip_hub.handlers.page_base import PortalPage
from gavip_hub.handlers.servers import OPEN


class Grants(ApiHandler):
    """The grants of one AVI."""

    path = "/avis/{avi}/grants"

    @override
    @operation(
        id="grants.show",
        summary="Show which of your folders an AVI may write",
        scope=OPEN,
        returns=GrantView,
        errors=(NotFound, Forbidden),
    )
    async def get(self, avi: str) -> GrantView:
        """Return its own folder and those that were granted."""
        owner = self._person().name
        found: GrantView = await self.in_thread(self.services.grants.view, owner=owner, avi=avi)
        return found

    @override
    @operation(
        id="grants.give",
        summary="Let an AVI write one more of your folders, from its next start on",
        scope=OPEN,
        body=GrantedFolder,
        returns=GrantView,
        errors=(NotFound, BadParameter, Conflict, Forbidden),
    )
    async def post(self, avi: str, body: GrantedFolder) -> GrantView:
        """Grant a folder; it is made where it is missing."""
        owner = self._person().name
        found: GrantView = await self.in_thread(
            self.services.grants.give, owner=owner, avi=avi, folder=body.folder
        )
        return found

    @override
    @operation(
        id="grants.withdraw",
        summary="Let an AVI only read a folder again, from its next start on",
        scope=OPEN,
        query=GrantedFolder,
        returns=GrantView,
        errors=(NotFound, Forbidden),
    )
    async def delete(self, avi: str, query: GrantedFolder) -> GrantView:
        """Withdraw a folder."""
        owner = self._person().name
        found: GrantView = await self.in_thread(
            self.services.grants.withdraw, owner=owner, avi=avi, folder=query.folder
        )
        return found

    def _person(self) -> Profile:
        """Return who asks: an AVI that could grant itself folders would need no grant."""
        profile = self.require()
        if profile.avi is not None:
            raise Forbidden("Grants are given by people, and not by an interface.")
        return profile


class GrantsPage(PortalPage):
    """The same from an AVI's page."""

    @override
    async def post(self, name: str) -> None:
        owner, sent = self.require(OPEN).name, self.sent()
        change = self.services.grants.withdraw if "withdraw" in sent else self.services.grants.give
        folder = sent.get("withdraw") or sent.get("folder", "")
        await self.in_thread(change, owner=owner, avi=name, folder=folder)
        self.go(f"avis/{name}#writes")


HANDLERS: tuple[type[ApiHandler], ...] = (Grants,)
