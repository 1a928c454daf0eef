"""The page of one's working copy of a project: opened in JupyterLab, compared, taken back."""

from typing_extensions import override

from gavip_hub.domain.identity import PUBLISH
from gavip_hub.exceptions import Conflict
from gavip_hub.handlers.project_base import ProjectPages
from gavip_hub.services.working_copies import Seen


class CopyPages(ProjectPages):
    """Any page of a working copy."""

    scope = PUBLISH

    async def show(self, name: str, *, problem: str = "", message: str = "") -> None:
        """Show what differs in the asker's copy.

        Parameters
        ----------
        problem
            Why nothing was taken a moment ago.
        message
            That the asker wrote for it.
        """
        shown = await self.project(name)
        with self.context.reads.one(self.require(PUBLISH)):
            copy = await self.context.file_threads(
                self.services.working_copies.look, owner=self.owner, name=name
            )
        self.render_page("project_copy.html", copy=copy, problem=problem, message=message, **shown)


class CopyPage(CopyPages):
    """What differs in the asker's working copy."""

    @override
    async def get(self, name: str) -> None:
        await self.show(name)


class CopyAct(CopyPages):
    """Make a working copy, make it anew, or take what differs in it."""

    @override
    async def post(self, name: str, act: str) -> None:
        person, copies = self.require(PUBLISH), self.services.working_copies
        if act == "take":
            await self._take(name)
            return
        make = copies.begin if act == "edit" else copies.renew
        await self.context.publishing_threads(make, owner=person.name, groups=person.groups, name=name)
        self.go(f"projects/{name}/copy")  # not to Lab itself: a form of the portal leads to no other host

    async def _take(self, name: str) -> None:
        sent = self.sent()
        message = sent.get("message", "")
        seen = Seen(**{what: sent.get(what, "") for what in ("main", "base", "digest")})
        try:
            await self.context.publishing_threads(
                self.services.working_copies.take, author=self.owner, name=name, message=message, seen=seen
            )
        except Conflict as conflict:
            self.set_status(conflict.status_code)
            await self.show(name, problem=conflict.message, message=message)
        else:
            self.go(f"projects/{name}")


def copy_routes(project: str) -> list[tuple[str, type[CopyPages], dict[str, object]]]:
    """Return the addresses of working copies below a project's for tornado."""
    return [(f"{project}/copy", CopyPage, {}), (f"{project}/(edit|renew|take)", CopyAct, {})]
