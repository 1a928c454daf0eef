"""The page of one's working copy of a project: opened in JupyterLab, compared, taken back."""

from urllib.parse import quote

from typing_extensions import override

from gavip_hub.domain.identity import PUBLISH
from gavip_hub.handlers.project_pages import ProjectPages

LAB = "/hub/user-redirect/lab/tree/"


class CopyPage(ProjectPages):
    """What differs in the asker's working copy."""

    scope = PUBLISH

    @override
    async def get(self, name: str) -> None:
        shown = await self.project(name)
        with self.context.reads.one(self.require(PUBLISH)):
            copy = await self.context.publishing_threads(
                self.services.working_copies.look, owner=self.owner, name=name
            )
        self.render_page("project_copy.html", copy=copy, lab=LAB + quote(copy.folder), **shown)


class CopyAct(ProjectPages):
    """Make a working copy, or take what differs in it."""

    scope = PUBLISH

    @override
    async def post(self, name: str, act: str) -> None:
        person = self.require(PUBLISH)
        copies = self.services.working_copies
        if act == "edit":
            await self.context.publishing_threads(
                copies.begin, owner=person.name, groups=person.groups, name=name
            )
        else:
            message = self.sent().get("message", "")
            await self.context.publishing_threads(copies.take, author=person.name, name=name, message=message)
        # Not to Lab itself: a form of the portal leads to no other host.
        self.go(f"projects/{name}/copy" if act == "edit" else f"projects/{name}")
