"""AVIs' repositories and their people."""

from typing_extensions import override

from avi_kernel.protocol.api import Profile
from avi_kernel.protocol.projects import (
    MemberName,
    MemberView,
    ProjectChange,
    ProjectCreate,
    ProjectView,
    ReleaseRequest,
)
from avi_kernel.protocol.releases import ReleaseView
from gavip_hub.domain.identity import PUBLISH
from gavip_hub.exceptions import BadManifest, BadRequest, BadTemplate, Conflict, Forbidden, NotFound
from gavip_hub.handlers.avis import READ
from gavip_hub.handlers.context import PREFIX
from gavip_hub.handlers.operations import ApiHandler, operation


class ProjectHandler(ApiHandler):
    """Is for people: an AVI that could change who writes it would need no author."""

    def person(self) -> Profile:
        """Return who asks."""
        profile = self.require()
        if profile.avi is not None:
            raise Forbidden("Repositories are for people, and not for an interface.")
        return profile


class Projects(ProjectHandler):
    """The projects of who asks."""

    path = "/projects"

    @override
    @operation(
        id="projects.list",
        summary="List the projects that you own or are a member of",
        scope=READ,
        returns=list[ProjectView],
        errors=(Forbidden,),
    )
    async def get(self) -> list[ProjectView]:
        """Return them by name."""
        found: list[ProjectView] = await self.in_thread(self.services.projects.of, viewer=self.person().name)
        return found

    @override
    @operation(
        id="projects.create",
        summary="Make a project: empty, of a notebook of yours, or of a template",
        scope=PUBLISH,
        body=ProjectCreate,
        returns=ProjectView,
        status=201,
        errors=(BadRequest, Conflict, Forbidden, NotFound, BadManifest, BadTemplate),
    )
    async def post(self, body: ProjectCreate) -> ProjectView:
        """Make it; the first push does so too."""
        owner = self.person().name
        made: ProjectView
        if body.notebook and body.template:
            raise BadRequest("It is made of a notebook or of a template: name one of them.", field="template")
        if body.template:
            made = await self.context.publishing_threads(
                self.services.authoring.begin_of_template,
                owner=owner,
                name=body.name,
                template=body.template,
            )
        elif body.notebook:
            made = await self.context.publishing_threads(
                self.services.authoring.begin, owner=owner, name=body.name, notebook=body.notebook
            )
        else:
            made = await self.context.publishing_threads(
                self.services.projects.create, owner=owner, name=body.name
            )
        self.set_header("Location", f"{PREFIX}/api/projects/{made.name}")
        return made


class OneProject(ProjectHandler):
    """One project."""

    path = "/projects/{avi}"

    @override
    @operation(
        id="projects.get",
        summary="Show a project: its repository and its people",
        scope=READ,
        returns=ProjectView,
        errors=(NotFound, Forbidden),
    )
    async def get(self, avi: str) -> ProjectView:
        """Return it."""
        found: ProjectView = await self.in_thread(
            self.services.projects.get, viewer=self.person().name, name=avi
        )
        return found

    @override
    @operation(
        id="projects.change",
        summary="Change who may read a project's repository, or whether its AVI runs jobs for others",
        scope=PUBLISH,
        body=ProjectChange,
        returns=ProjectView,
        errors=(NotFound, Forbidden),
    )
    async def post(self, avi: str, body: ProjectChange) -> ProjectView:
        """Change it."""
        changed: ProjectView = await self.in_thread(
            self.services.projects.change,
            owner=self.person().name,
            name=avi,
            source=body.source,
            answers=body.answers,
        )
        return changed


class Members(ProjectHandler):
    """Who else may read a project's repository, or write it as well."""

    path = "/projects/{avi}/members"

    @override
    @operation(
        id="projects.share",
        summary="Let somebody read a project's repository, or write it as well",
        scope=PUBLISH,
        body=MemberView,
        returns=ProjectView,
        errors=(NotFound, Conflict, Forbidden),
    )
    async def post(self, avi: str, body: MemberView) -> ProjectView:
        """Make somebody a member, or change what they may."""
        changed: ProjectView = await self.in_thread(
            self.services.projects.share, owner=self.person().name, name=avi, member=body
        )
        return changed

    @override
    @operation(
        id="projects.unshare",
        summary="Let somebody read and write a project's repository no more",
        scope=PUBLISH,
        query=MemberName,
        returns=ProjectView,
        errors=(NotFound, Forbidden),
    )
    async def delete(self, avi: str, query: MemberName) -> ProjectView:
        """Make somebody no member any more."""
        changed: ProjectView = await self.in_thread(
            self.services.projects.unshare, owner=self.person().name, name=avi, user=query.user
        )
        return changed


class ProjectReleases(ProjectHandler):
    """Releases of what a project has."""

    path = "/projects/{avi}/releases"

    @override
    @operation(
        id="projects.release",
        summary="Make a release of what the main branch has, as a pushed tag does",
        scope=PUBLISH,
        body=ReleaseRequest,
        returns=ReleaseView,
        status=201,
        errors=(NotFound, Forbidden, BadManifest, Conflict),
    )
    async def post(self, avi: str, body: ReleaseRequest) -> ReleaseView:
        """Read it, and publish it to the project's people."""
        made: ReleaseView = await self.context.publishing_threads(
            self.services.authoring.release, author=self.person().name, avi=avi, version=body.version
        )
        self.set_header("Location", f"{PREFIX}/api/avis/{avi}/releases/{made.version}")
        return made


HANDLERS: tuple[type[ApiHandler], ...] = (Projects, OneProject, Members, ProjectReleases)
