"""The catalogue: AVIs and their releases."""

from typing import Any

from typing_extensions import override

from avi_kernel.protocol.checks import CheckView
from avi_kernel.protocol.releases import AviView, ReleaseSubmit, ReleaseView
from avi_kernel.protocol.standing import ReleaseChange
from gavip_hub.domain.identity import PUBLISH, is_operator
from gavip_hub.exceptions import BadManifest, BadParameter, Conflict, Forbidden, NotFound
from gavip_hub.handlers.context import PREFIX
from gavip_hub.handlers.operations import ApiHandler, operation

READ = "custom:gavip:read:avis"


class Avis(ApiHandler):
    """The catalogue."""

    path = "/avis"

    @override
    @operation(
        id="avis.list", summary="List the AVIs that are open to you", scope=READ, returns=list[AviView]
    )
    async def get(self) -> list[AviView]:
        """Return them by title."""
        found: list[AviView] = await self.in_thread(self.services.avi_pages.every, viewer=self.require().name)
        return found


class OneAvi(ApiHandler):
    """One AVI."""

    path = "/avis/{avi}"

    @override
    @operation(id="avis.get", summary="Show an AVI", scope=READ, returns=AviView, errors=(NotFound,))
    async def get(self, avi: str) -> AviView:
        """Return it with its newest version."""
        found: AviView = await self.in_thread(
            self.services.releases.avi, viewer=self.require().name, name=avi
        )
        return found


class Favourite(ApiHandler):
    """Whether an AVI is among those that the asker sees first."""

    path = "/avis/{avi}/favourite"

    @override
    @operation(
        id="avis.favour",
        summary="Put an AVI among those that you see first",
        scope=READ,
        status=204,
        errors=(NotFound,),
    )
    async def post(self, avi: str) -> None:
        """Note it; what is one already stays one."""
        await self._note(avi, wanted=True)

    @override
    @operation(
        id="avis.unfavour", summary="Take an AVI from among those that you see first", scope=READ, status=204
    )
    async def delete(self, avi: str) -> None:
        """Note it, also of one that is open to the asker no more."""
        await self._note(avi, wanted=False)

    async def _note(self, avi: str, *, wanted: bool) -> None:
        owner = self.require().name
        await self.in_thread(self.services.finding.favour, user=owner, avi=avi, wanted=wanted)


class Releases(ApiHandler):
    """The releases of an AVI."""

    path = "/avis/{avi}/releases"

    @override
    @operation(
        id="releases.list",
        summary="List the releases of an AVI",
        scope=READ,
        returns=list[ReleaseView],
        errors=(NotFound,),
    )
    async def get(self, avi: str) -> list[ReleaseView]:
        """Return them, newest first."""
        found: list[ReleaseView] = await self.in_thread(
            self.services.releases.versions, viewer=self.require().name, avi=avi
        )
        return found

    @override
    @operation(
        id="releases.submit",
        summary="Publish a folder as a release",
        scope=PUBLISH,
        body=ReleaseSubmit,
        returns=ReleaseView,
        status=201,
        errors=(NotFound, BadManifest, Conflict),
    )
    async def post(self, avi: str, body: ReleaseSubmit) -> ReleaseView:
        """Copy, check and commit it."""
        profile = self.require()
        if body.avi != avi:
            raise BadParameter(f"The address says {avi}, the body {body.avi}.", field="avi")
        release: ReleaseView = await self.context.publishing_threads(
            self.services.releases.submit,
            submitter=profile.name,
            request=body,
            operator=is_operator(profile),
        )
        await self.in_thread(self.services.mirrors.want, avi)
        self.set_header("Location", f"{PREFIX}/api/avis/{avi}/releases/{release.version}")
        return release


class OneRelease(ApiHandler):
    """One release."""

    path = "/avis/{avi}/releases/{version}"

    @override
    @operation(
        id="releases.get", summary="Show a release", scope=READ, returns=ReleaseView, errors=(NotFound,)
    )
    async def get(self, avi: str, version: str) -> ReleaseView:
        """Return it with all it declares."""
        found: ReleaseView = await self.in_thread(
            self.services.releases.get, viewer=self.require().name, avi=avi, version=version
        )
        return found

    @override
    @operation(
        id="releases.change",
        summary="Let everybody run a release or its project's people alone; deprecate, withdraw or offer it",
        scope=PUBLISH,
        body=ReleaseChange,
        returns=ReleaseView,
        errors=(NotFound, Forbidden),
    )
    async def post(self, avi: str, version: str, body: ReleaseChange) -> ReleaseView:
        """Change it; what runs goes on."""
        profile = self.require()
        if profile.avi is not None:
            raise Forbidden("Releases are made public by people, and not by an interface.")
        which: dict[str, Any] = {"avi": avi, "version": version, "operator": is_operator(profile)}
        changed: ReleaseView
        if body.visibility is None:
            changed = await self.in_thread(
                self.services.standings.change, person=profile.name, change=body, **which
            )
        else:
            changed = await self.in_thread(
                self.services.releases.change, owner=profile.name, visibility=body.visibility, **which
            )
        return changed


class ReleaseCheck(ApiHandler):
    """The check of a release."""

    path = "/avis/{avi}/releases/{version}/check"

    @override
    @operation(
        id="releases.scorecard",
        summary="Show what the check of a release found",
        scope=READ,
        returns=CheckView,
        errors=(NotFound,),
    )
    async def get(self, avi: str, version: str) -> CheckView:
        """Return its scorecard, or the job that makes it."""
        found: CheckView = await self.in_thread(
            self.services.checks.view, viewer=self.require().name, avi=avi, version=version
        )
        return found

    @override
    @operation(
        id="releases.check",
        summary="Have a release of yours checked, once more where it was",
        scope=PUBLISH,
        returns=CheckView,
        status=202,
        errors=(NotFound, Forbidden),
    )
    async def post(self, avi: str, version: str) -> CheckView:
        """Note that it is wanted; a job makes it."""
        profile = self.require()
        if profile.avi is not None:
            raise Forbidden("Releases are checked for people, and not for an interface.")
        found: CheckView = await self.in_thread(
            self.services.checks.ask, author=profile.name, avi=avi, version=version
        )
        return found


class ReleaseBuild(ApiHandler):
    """The packages of a release."""

    path = "/avis/{avi}/releases/{version}/build"

    @override
    @operation(
        id="releases.build",
        summary="Have the packages of a release fetched again, where that failed",
        scope=PUBLISH,
        returns=ReleaseView,
        status=202,
        errors=(NotFound, Forbidden, Conflict),
    )
    async def post(self, avi: str, version: str) -> ReleaseView:
        """Begin another job; the one that failed stays, with its log."""
        profile = self.require()
        if profile.avi is not None:
            raise Forbidden("Packages are fetched for people, and not for an interface.")
        found: ReleaseView = await self.in_thread(
            self.services.rebuilds.begin_again,
            person=profile.name,
            avi=avi,
            version=version,
            operator=is_operator(profile),
        )
        return found


HANDLERS: tuple[type[ApiHandler], ...] = (
    Avis,
    OneAvi,
    Favourite,
    Releases,
    OneRelease,
    ReleaseCheck,
    ReleaseBuild,
)
