"""What all pages of projects share."""

from typing import Any

from gavip_hub.handlers.page_base import PortalPage


class ProjectPages(PortalPage):
    """Any page of projects."""

    nav = "projects"

    async def project(self, name: str, **more: Any) -> dict[str, Any]:
        """Return what each page of one project shows."""
        found = await self.in_thread(self.services.projects.get, viewer=self.owner, name=name)
        return {"project": found, **more}
