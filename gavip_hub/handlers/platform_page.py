"""The operator's page: what decides whose turn it is, and what other policies would have made of the same jobs."""

from typing_extensions import override

from gavip_hub.domain.identity import ADMIN
from gavip_hub.domain.reports import rows_of
from gavip_hub.handlers.page_base import PortalPage

MEANINGS = {
    "fair-share": "Who has used least of memory and cores lately comes first; waiting counts.",
    "fifo": "The oldest comes first; nothing passes a job for which the platform has no room.",
    "smallest-first": "The smallest comes first; who has waited for six hours comes before everybody.",
}


class PlatformPage(PortalPage):
    """Whose turn it is, for operators."""

    nav = "platform"
    scope = ADMIN

    @override
    async def get(self) -> None:
        reports = {}
        if self.get_query_argument("simulate", ""):
            with self.context.reads.one(self.require()):
                # Off the database's threads: it computes for seconds.
                reports = await self.context.file_threads(self.services.simulations.compare)
        self.render_page(
            "platform.html",
            pool=await self.in_thread(self.services.quotas.platform_pool),
            choice=await self.in_thread(self.services.policies.view),
            meanings=MEANINGS,
            asked=bool(self.get_query_argument("simulate", "")),
            policies=list(reports),
            jobs=next((report.jobs for report in reports.values()), 0),
            rows=rows_of(reports),
        )

    @override
    async def post(self) -> None:
        profile = self.require(ADMIN)
        chosen = self.sent().get("policy", "")
        await self.in_thread(self.services.policies.choose, chosen, by=profile.name)
        self.go("platform")
