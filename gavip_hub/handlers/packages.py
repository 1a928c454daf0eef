"""What the packages of releases take, for operators."""

from typing_extensions import override

from avi_kernel.protocol.packages import PackagesView
from gavip_hub.domain.identity import ADMIN
from gavip_hub.handlers.operations import ApiHandler, operation


class Packages(ApiHandler):
    """All packages of releases."""

    path = "/packages"

    @override
    @operation(
        id="packages.list",
        summary="Show what the packages of releases take on the disk",
        scope=ADMIN,
        returns=PackagesView,
    )
    async def get(self) -> PackagesView:
        """Return it, as it was weighed last."""
        found: PackagesView = await self.in_thread(self.services.packages.view)
        return found


HANDLERS: tuple[type[ApiHandler], ...] = (Packages,)
