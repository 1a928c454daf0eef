"""The operator's page: what decides whose turn it is, and what other policies would have made of the same jobs."""

from collections.abc import Mapping

from typing_extensions import override

from gavip_hub.domain.identity import ADMIN
from gavip_hub.domain.reports import rows_of
from gavip_hub.domain.simulation import Report
from gavip_hub.handlers.page_base import PortalPage


class PlatformPage(PortalPage):
    """Whose turn it is, for operators."""

    nav = "platform"
    scope = ADMIN

    @override
    async def get(self) -> None:
        await self.show()

    @override
    async def post(self) -> None:
        profile = self.require(ADMIN)
        chosen = self.sent().get("policy", "")
        await self.in_thread(self.services.policies.choose, chosen, by=profile.name)
        self.go("platform")

    async def show(self, reports: Mapping[str, Report] | None = None) -> None:
        """Send the page, with what a simulation found."""
        found = reports or {}
        self.render_page(
            "platform.html",
            pool=await self.in_thread(self.services.quotas.platform_pool),
            choice=await self.in_thread(self.services.policies.view),
            meanings=await self.in_thread(self.services.policies.meanings),
            asked=reports is not None,
            policies=list(found),
            jobs=next((report.jobs for report in found.values()), 0),
            rows=rows_of(found),
        )


class SimulationPage(PlatformPage):
    """The same page with a simulation: a POST, so that no other site can have one made."""

    @override
    async def get(self) -> None:
        self.go("platform")

    @override
    async def post(self) -> None:
        self.require(ADMIN)
        # It computes for seconds: neither on the database's threads nor on those of files.
        await self.show(await self.context.publishing_threads(self.services.simulations.compare))
