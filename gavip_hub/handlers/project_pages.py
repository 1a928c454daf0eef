"""Pages of the asker's projects: repositories, their people and their releases."""

from contextlib import suppress
from typing import Any

from pydantic import ValidationError
from typing_extensions import override

from avi_kernel.protocol.outside import MirrorRequest
from avi_kernel.protocol.projects import MemberView
from avi_kernel.protocol.standing import ReleaseChange
from gavip_hub.domain.identity import PUBLISH, is_operator
from gavip_hub.domain.outside import ACCEPTED
from gavip_hub.domain.standing import WITHDRAWN
from gavip_hub.exceptions import BadManifest, BadRequest, NotFound
from gavip_hub.handlers.notebook_page import NotebookPages
from gavip_hub.handlers.page_base import ROOT
from gavip_hub.handlers.project_base import ProjectPages
from gavip_hub.handlers.project_files import project_file_routes

LONGEST_URL = 500
LONGEST_PATH = 1000
"""Letters of a notebook's path, as the form takes them."""


class ProjectsPage(ProjectPages):
    """The projects of who asks."""

    @override
    async def get(self) -> None:
        profile = self.require()
        may_make = PUBLISH in profile.scopes
        images = await self.context.file_threads(self.services.images.every) if may_make else None
        self.render_page(
            "projects.html",
            images=images,
            projects=await self.in_thread(self.services.projects.of, viewer=profile.name),
            may_make=may_make,
            templates=await self.in_thread(self.services.templates.every, viewer=profile.name),
            git=f"{self.context.config.public_url}{ROOT}git",
            **await self._chosen(may_make=may_make),
        )

    async def _chosen(self, *, may_make: bool) -> dict[str, Any]:
        """Return the notebook that the address names, and what would be made of it or why nothing can be.

        Anybody may have written that address: nothing is made before the asker sends the form.
        """
        notebook = self.get_query_argument("notebook", "", strip=False)[: LONGEST_PATH + 1]
        chosen: dict[str, Any] = {"notebook": notebook, "proposed": None, "problem": ""}
        if not notebook or not may_make:
            return chosen
        if len(notebook) > LONGEST_PATH:
            return chosen | {"notebook": "", "problem": f"Its path has more than {LONGEST_PATH} letters."}
        authoring = self.services.authoring
        try:
            with self.context.reads.one(self.require()):
                made = await self.context.publishing_threads(
                    authoring.proposed, owner=self.owner, notebook=notebook
                )
        except (BadRequest, BadManifest, NotFound) as refusal:
            return chosen | {"problem": refusal.message}
        return chosen | {"proposed": made}

    @override
    async def post(self) -> None:
        sent, person = self.sent(), self.require(PUBLISH).name
        name = sent.get("name", "").strip()
        given = {kind: sent.get(kind, "").strip() for kind in ("notebook", "template", "url")}
        if len([value for value in given.values() if value]) > 1:
            raise BadRequest("A project is made of one of these: a notebook, a template, a repository.")
        threads, authoring = self.context.publishing_threads, self.services.authoring
        if given["notebook"]:
            await threads(authoring.begin, owner=person, name=name, notebook=given["notebook"])
        elif given["template"]:
            await threads(authoring.begin_of_template, owner=person, name=name, template=given["template"])
        elif given["url"]:
            self.context.disk.require_room()
            url = given["url"][:LONGEST_URL]
            await threads(self.services.imports.begin, person=person, avi=name, url=url)
        else:
            await threads(self.services.projects.create, owner=person, name=name)
        self.go(f"projects/{name}")


class ProjectPage(ProjectPages):
    """One project: its repository's address, its people, its releases, its files and history."""

    @override
    async def get(self, name: str) -> None:
        shown = await self.project(name)
        releases = await self.in_thread(self.services.releases.of_project, viewer=self.owner, avi=name)
        with self.context.reads.one(self.require()):
            folder = await self.context.file_threads(
                self.services.browsing.root, viewer=self.owner, name=name
            )
        self.render_page(
            "project.html",
            folder=folder,
            releases=releases,
            me=self.owner,
            **shown,
            **await self._outside(name),
        )

    async def _outside(self, name: str) -> dict[str, Any]:
        """Return what is known of an import and a mirror; None where there is none, or none for who asks."""
        found: dict[str, Any] = {"imported": None, "mirror": None}
        for what, get in (("imported", self.services.imports.get), ("mirror", self.services.mirrors.get)):
            with suppress(NotFound):
                found[what] = await self.in_thread(get, viewer=self.owner, avi=name)
        return found


def _changed(act: str, sent: dict[str, str]) -> dict[str, Any]:
    """Return what an owner changes of a project."""
    if act == "source":
        return {"source": _visibility(sent)}
    return {"answers": "products" if sent.get("answers") == "products" else "jobs"}


class ProjectAct(ProjectPages):
    """What an owner or a writer changes."""

    @override
    async def post(self, name: str, act: str) -> None:
        owner, sent = self.require(PUBLISH).name, self.sent()
        projects, releases = self.services.projects, self.services.releases
        if act == "share":
            member = _member(sent)
            await self.in_thread(projects.share, owner=owner, name=name, member=member)
        elif act == "unshare":
            await self.in_thread(projects.unshare, owner=owner, name=name, user=sent.get("user", ""))
        elif act in {"source", "answers"}:
            await self.in_thread(projects.change, owner=owner, name=name, **_changed(act, sent))
        elif act == "publish":
            version = sent.get("version", "").strip().removeprefix("v")
            await self.context.publishing_threads(
                self.services.authoring.release, author=owner, avi=name, version=version
            )
        elif act == "check":
            version = sent.get("version", "")
            await self.in_thread(self.services.checks.ask, author=owner, avi=name, version=version)
        elif act == "rebuild":
            await self._rebuild(name, sent)
        elif act == "standing":
            await self._stand(name, sent)
        elif act == "mirror":
            await self.context.publishing_threads(
                self.services.mirrors.put, owner=owner, avi=name, request=_mirror(sent)
            )
        elif act == "unmirror":
            await self.in_thread(self.services.mirrors.remove, owner=owner, avi=name)
        else:
            version = sent.get("version", "")
            await self.in_thread(
                releases.change, owner=owner, avi=name, version=version, visibility=_visibility(sent)
            )
        self.go(f"projects/{name}")

    async def _rebuild(self, name: str, sent: dict[str, str]) -> None:
        profile, version = self.require(PUBLISH), sent.get("version", "")
        await self.in_thread(
            self.services.rebuilds.begin_again,
            person=profile.name,
            avi=name,
            version=version,
            operator=is_operator(profile),
        )

    async def _stand(self, name: str, sent: dict[str, str]) -> None:
        version, change = sent.get("version", ""), _standing(sent)
        await self.in_thread(
            self.services.standings.change, person=self.owner, avi=name, version=version, change=change
        )


def _member(sent: dict[str, str]) -> MemberView:
    user, may = sent.get("user", "").strip(), sent.get("may", "read")
    if not 0 < len(user) <= 200 or may not in {"read", "write"}:  # noqa: PLR2004 - as a line of text is bounded
        raise BadRequest("Name a user, and whether they may read or write.", field="user")
    return MemberView.model_validate({"user": user, "may": may})


def _visibility(sent: dict[str, str]) -> Any:
    wanted = sent.get("visibility", "")
    if wanted not in {"private", "public"}:
        raise BadRequest("It is private or public.", field="visibility")
    return wanted


def _standing(sent: dict[str, str]) -> ReleaseChange:
    """Return what becomes of a release; to withdraw it needs the tick that says what that does."""
    if sent.get("standing") == WITHDRAWN and sent.get("sure") != "yes":
        raise BadRequest(
            "Tick that nobody opens it or runs jobs of it any more, or deprecate it.", field="sure"
        )
    wanted = {"standing": sent.get("standing"), "reason": sent.get("reason", "")}
    try:
        return ReleaseChange.model_validate(wanted)
    except ValidationError:
        raise BadRequest("Say why, in a sentence of at most 300 characters.", field="reason") from None


def _mirror(sent: dict[str, str]) -> MirrorRequest:
    try:
        return MirrorRequest(url=sent.get("url", "").strip(), token=sent.get("token", "").strip())
    except ValidationError:
        raise BadRequest(
            f"Give {ACCEPTED}, and a token of at most 500 characters or none.", field="url"
        ) from None


_NAME = "[a-z][a-z0-9-]{0,39}"


def project_routes(notebooks: NotebookPages) -> list[tuple[str, type[Any], dict[str, Any]]]:
    """Return the addresses of projects for tornado."""
    project = f"{ROOT}projects/({_NAME})"
    return [
        (f"{ROOT}projects", ProjectsPage, {}),
        (project, ProjectPage, {}),
        (
            f"{project}/(share|unshare|source|answers|release|standing|check|rebuild|publish|mirror|unmirror)",
            ProjectAct,
            {},
        ),
        *project_file_routes(project, notebooks),
    ]
