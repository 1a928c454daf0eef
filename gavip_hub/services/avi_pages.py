"""AVIs as their pages and the list of all show them, each read at one moment."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from avi_kernel.protocol.api import GrantView
from avi_kernel.protocol.checks import Badge, CheckView
from avi_kernel.protocol.releases import AviView, ReleaseView
from gavip_hub.config import Gavip
from gavip_hub.domain.addresses import interface_url
from gavip_hub.services.catalogue import avi_view, best_of, none_open, release_view
from gavip_hub.services.checks import check_view
from gavip_hub.services.kept_releases import KeptReleases
from gavip_hub.services.products_alone import is_only
from gavip_hub.services.standings import require_this_usable
from gavip_hub.storage import catalogue, checks, grants, members, releases
from gavip_hub.storage.database import Database
from gavip_hub.storage.schema import Avi, Release


@dataclass(frozen=True, kw_only=True)
class Version:
    """One of an AVI's releases, to choose another by."""

    version: str
    standing: str


@dataclass(frozen=True, kw_only=True)
class AviSeen:
    """What somebody sees of an AVI and of one release of it."""

    avi: AviView
    release: ReleaseView
    versions: list[Version]
    """Newest first."""
    check: CheckView
    favourite: bool
    grants: GrantView
    has_project: bool
    """Whether its repository is open to them."""
    answers_only: bool
    """Whether they get products of it alone, and no jobs of their own."""


class AviPageService:
    """Answers in one transaction what would otherwise take ten; it changes nothing."""

    def __init__(self, *, database: Database, config: Gavip) -> None:
        self._database = database
        self._config = config
        self._said = KeptReleases(self._read)

    def every(self, *, viewer: str) -> list[AviView]:
        """Return the AVIs of which the viewer may run a release, by title."""
        with self._database.reading() as session:
            names = catalogue.open_to(session, viewer=viewer)
            badges = checks.badges(session, names)
            rows = catalogue.shown(session, names)
            liked = catalogue.favourites(session, viewer)
            views = [
                self._viewed(
                    said, *rows[release][:2], viewer=viewer, badges=badges.get(release, [])
                ).model_copy(update={"favourite": said.name in liked})
                for release, said in self._said.of(session, names)
                if release in rows
            ]
        return sorted(views, key=lambda view: view.title.lower())

    def _read(self, session: Session, wanted: Sequence[str]) -> Iterator[tuple[str, tuple[str, AviView]]]:
        for release, avi in catalogue.declared(session, wanted):
            yield release.id, (release.id, avi_view(self._config, avi, release, viewer=""))
            session.expunge(release)  # or all that all of them declare would be held until the last is read

    def _viewed(
        self, said: AviView, release: Release, avi: Avi, *, viewer: str, badges: Sequence[Any]
    ) -> AviView:
        """Return what an AVI said of itself with what changes: by time, and by who looks."""
        return said.model_copy(
            update={
                "owner": avi.owner,
                "latest": release.version,
                "standing": release.standing,
                "standing_reason": release.standing_reason,
                "interface_url": interface_url(self._config, user=viewer, avi=avi.name)
                if said.has_interface
                else None,
                "badges": [Badge.model_validate(badge) for badge in badges],
            }
        )

    def of(self, *, viewer: str, name: str, version: str | None = None) -> AviSeen:
        """Return an AVI with a release that somebody may run; by default the newest that is offered.

        Raises
        ------
        NotFound
            There is none that is open to them.
        NotReady
            Its packages are not here.
        Withdrawn
            Nobody runs it any more.
        """
        with self._database.reading() as session:
            found = releases.visible(session, viewer=viewer, avi=name, specs=False)
            if not found:
                raise none_open(name, None)
            default, project = best_of(found)
            chosen = _chosen(found, version) if version else default
            is_own = project.owner == viewer
            right = None if is_own else members.right(session, avi=name, user=viewer)
            writes = is_own or right == members.WRITE
            require_this_usable(session, chosen, viewer=viewer, writes=writes)
            checked = checks.of_release(session, default.id)
            return AviSeen(
                avi=avi_view(
                    self._config, project, default, viewer=viewer, badges=checked.badges if checked else []
                ),
                release=release_view(chosen, writes=writes),
                versions=[Version(version=one.version, standing=one.standing) for one, _ in found],
                check=check_view(checks.of_release(session, chosen.id), writes=writes),
                favourite=catalogue.is_favourite(session, user=viewer, avi=name),
                grants=GrantView(
                    avi=name, own=f"avis/{name}", folders=grants.of(session, owner=viewer, avi=name)
                ),
                has_project=is_own or right is not None or project.source == releases.PUBLIC,
                answers_only=is_only(session, avi=name, viewer=viewer),
            )


def _chosen(found: Sequence[tuple[Release, Avi]], version: str) -> Release:
    for release, _ in found:
        if release.version == version:
            return release
    raise none_open(found[0][1].name, version)
