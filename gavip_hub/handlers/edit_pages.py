"""The page on which one text file of a project is edited."""

from typing import Any
from urllib.parse import quote

from typing_extensions import override

from gavip_hub.domain.identity import PUBLISH
from gavip_hub.exceptions import Conflict
from gavip_hub.handlers.project_base import ProjectPages


class EditFile(ProjectPages):
    """One text file as main has it, and what somebody makes of it."""

    scope = PUBLISH

    @override
    async def get(self, name: str, path: str) -> None:
        shown = await self.project(name, path=path)
        with self.context.reads.one(self.require(PUBLISH)):
            file = await self.context.file_threads(
                self.services.editing.get, author=self.owner, name=name, path=path
            )
        self._show(file=file, text=file.text, **shown)

    def _show(self, *, problem: str = "", lines: str = "", message: str = "", **shown: Any) -> None:
        self.render_page("project_edit.html", problem=problem, lines=lines, message=message, **shown)

    @override
    async def post(self, name: str, path: str) -> None:
        sent, editing = self.sent(), self.services.editing
        text, message = sent.get("text", ""), sent.get("message", "")
        what: dict[str, Any] = {"author": self.owner, "name": name, "path": path, "text": text}
        try:
            await self.context.publishing_threads(
                editing.change, **what, blob=sent.get("blob", ""), message=message
            )
        except Conflict as conflict:
            file, lines = await self.context.file_threads(editing.compare, **what)
            self.set_status(conflict.status_code)
            shown = await self.project(name, path=path)
            self._show(problem=conflict.message, lines=lines, message=message, file=file, text=text, **shown)
        else:
            self.go(f"projects/{name}/files/{quote(path)}")


def edit_routes(project: str) -> list[tuple[str, type[EditFile], dict[str, object]]]:
    """Return the address of what is edited below a project's for tornado."""
    return [(f"{project}/edit/(.+)", EditFile, {})]
