"""Repositories that come from other places, and are pushed on to such."""

from typing_extensions import override

from avi_kernel.protocol.outside import ImportRequest, ImportView, MirrorRequest, MirrorView
from gavip_hub.domain.identity import PUBLISH
from gavip_hub.exceptions import BadRequest, Conflict, DiskFull, Forbidden, NotFound
from gavip_hub.handlers.avis import READ
from gavip_hub.handlers.context import PREFIX
from gavip_hub.handlers.operations import ApiHandler, operation
from gavip_hub.handlers.projects import ProjectHandler


class ProjectImport(ProjectHandler):
    """The import of a repository into a project."""

    path = "/projects/{avi}/import"

    @override
    @operation(
        id="projects.imported",
        summary="Tell how far the import into a project is, or how it ended",
        scope=READ,
        returns=ImportView,
        errors=(NotFound, Forbidden),
    )
    async def get(self, avi: str) -> ImportView:
        """Return the last one."""
        found: ImportView = await self.in_thread(
            self.services.imports.get, viewer=self.person().name, avi=avi
        )
        return found

    @override
    @operation(
        id="projects.import",
        summary="Make a project of a public git repository of another place: its branches and tags",
        scope=PUBLISH,
        body=ImportRequest,
        returns=ImportView,
        status=202,
        errors=(BadRequest, Conflict, NotFound, Forbidden, DiskFull),
    )
    async def post(self, avi: str, body: ImportRequest) -> ImportView:
        """Begin it; it goes on by itself."""
        self.context.disk.require_room()
        begun: ImportView = await self.context.publishing_threads(
            self.services.imports.begin, person=self.person().name, avi=avi, url=body.url
        )
        self.set_header("Location", f"{PREFIX}/api/projects/{avi}/import")
        return begun


class ProjectMirror(ProjectHandler):
    """Where a project's repository is pushed on to."""

    path = "/projects/{avi}/mirror"

    @override
    @operation(
        id="projects.mirrored",
        summary="Tell where a project is pushed on to, and how that went",
        scope=READ,
        returns=MirrorView,
        errors=(NotFound, Forbidden),
    )
    async def get(self, avi: str) -> MirrorView:
        """Return it, to the project's own people."""
        found: MirrorView = await self.in_thread(
            self.services.mirrors.get, viewer=self.person().name, avi=avi
        )
        return found

    @override
    @operation(
        id="projects.mirror",
        summary="Push a project on to a git repository of another place, now and after each push here",
        scope=PUBLISH,
        body=MirrorRequest,
        returns=MirrorView,
        errors=(BadRequest, NotFound, Forbidden),
    )
    async def post(self, avi: str, body: MirrorRequest) -> MirrorView:
        """Begin it, or change where to."""
        begun: MirrorView = await self.context.publishing_threads(
            self.services.mirrors.put, owner=self.person().name, avi=avi, request=body
        )
        return begun

    @override
    @operation(
        id="projects.unmirror",
        summary="Push a project on no more, and forget the token",
        scope=PUBLISH,
        status=204,
        errors=(NotFound, Forbidden),
    )
    async def delete(self, avi: str) -> None:
        """End it; what is at the other place stays there."""
        await self.in_thread(self.services.mirrors.remove, owner=self.person().name, avi=avi)


HANDLERS: tuple[type[ApiHandler], ...] = (ProjectImport, ProjectMirror)
