"""AVIs and releases as people see them."""

from collections.abc import Sequence
from typing import Any, cast

from sqlalchemy.orm import Session

from avi_kernel.protocol.checks import Badge
from avi_kernel.protocol.manifest import ReleaseSpec
from avi_kernel.protocol.releases import AviView, ReleaseView
from avi_kernel.protocol.standing import Standing
from gavip_hub.config import Gavip
from gavip_hub.domain.addresses import interface_url
from gavip_hub.domain.standing import RANK, WITHDRAWN
from gavip_hub.exceptions import NotFound
from gavip_hub.storage import members, releases
from gavip_hub.storage.builds import READY
from gavip_hub.storage.schema import Avi, Release


def avi_view(config: Gavip, avi: Avi, newest: Release, *, viewer: str, badges: Sequence[Any] = ()) -> AviView:
    """Return an AVI as the catalogue shows it to somebody, by the newest release that they may run."""
    spec = ReleaseSpec.model_validate(newest.spec)
    is_withdrawn = newest.standing == WITHDRAWN
    return AviView(
        name=avi.name,
        title=spec.manifest.title or avi.name,
        summary=spec.manifest.summary,
        owner=avi.owner,
        authors=[author.name for author in spec.manifest.authors],
        keywords=spec.manifest.keywords,
        licence=spec.manifest.licence,
        latest=None if is_withdrawn else newest.version,
        standing=cast(Standing, newest.standing),
        standing_reason=newest.standing_reason,
        has_interface=spec.interface is not None,
        interface_url=interface_url(config, user=viewer, avi=avi.name) if spec.interface else None,
        pipelines=[pipeline.name for pipeline in spec.pipelines if not pipeline.hidden],
        badges=[Badge.model_validate(badge) for badge in badges],
    )


def open_release(
    session: Session, *, viewer: str | None, avi: str, version: str | None = None
) -> tuple[Release, Avi]:
    """Return a release that is open to somebody, with its AVI; by default the one that is taken where nobody says which.

    Parameters
    ----------
    viewer
        None: everything is.

    Raises
    ------
    NotFound
        There is none.
    """
    found = releases.visible(session, viewer=viewer, avi=avi, version=version, specs=False)
    if not found:
        raise none_open(avi, version)
    return best_of(found)


def none_open(avi: str, version: str | None) -> NotFound:
    """Return how somebody is told that an AVI, or a version of it, is not open to them."""
    what = f"release {version} of {avi!r}" if version else f"AVI {avi!r}"
    return NotFound(f"There is no {what} that is open to you.", field="version" if version else "avi")


def view_for(session: Session, release: Release, project: Avi, viewer: str) -> ReleaseView:
    """Return a release as somebody sees it."""
    return release_view(release, writes=members.may_write(session, project, viewer))


def best_of(newest_first: Sequence[tuple[Release, Avi]]) -> tuple[Release, Avi]:
    """Return what is taken where nobody says which: the newest that is ready and offered, else deprecated, else withdrawn."""
    return min(newest_first, key=lambda pair: _rank(pair[0]))


def _rank(release: Release) -> tuple[bool, bool, int]:
    """Order releases by use: what is not ready yet comes before what was withdrawn, which nobody can wait for."""
    return release.standing == WITHDRAWN, release.state != READY, RANK[release.standing]


def release_view(release: Release, *, writes: bool) -> ReleaseView:
    """Return a release as people see it.

    Parameters
    ----------
    writes
        Who sees it may write it: others are told how it stands, and not which job found what about its code.
    """
    return ReleaseView.model_validate(
        {
            "avi": release.avi,
            "version": release.version,
            "commit": release.commit,
            "state": release.state,
            "environment": release.environment,
            "build": release.build if writes else None,
            "earlier_builds": release.earlier_builds if writes else [],
            "reason": release.reason if writes else "",
            "submitter": release.submitter,
            "visibility": release.visibility,
            "created_at": release.created_at,
            "standing": release.standing,
            "standing_reason": release.standing_reason,
            "withdrawn_by_operator": release.withdrawn_by_operator,
            "spec": release.spec,
        }
    )
