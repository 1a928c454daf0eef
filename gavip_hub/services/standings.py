"""Releases that should no longer be used: deprecated or withdrawn by their authors, or withdrawn by an operator."""

import logging

from sqlalchemy.orm import Session

from avi_kernel.protocol.releases import ReleaseView
from avi_kernel.protocol.standing import ReleaseChange
from gavip_hub.domain.standing import DEPRECATED, OFFERED, WITHDRAWN, withdrawn_words
from gavip_hub.exceptions import Forbidden, Withdrawn
from gavip_hub.services.catalogue import best_of, open_release, view_for
from gavip_hub.services.environments import require_ready
from gavip_hub.storage import members, releases
from gavip_hub.storage.builds import READY
from gavip_hub.storage.database import Database, lock_pools
from gavip_hub.storage.schema import Avi, Release

log = logging.getLogger(__name__)


class StandingService:
    """Changes and checks the standing of releases; each method is one transaction."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    def change(
        self, *, person: str, avi: str, version: str, change: ReleaseChange, operator: bool = False
    ) -> ReleaseView:
        """Deprecate or withdraw a release, or offer it again; what runs goes on.

        Raises
        ------
        Forbidden
            Neither one of its authors nor an operator asks, or an operator withdrew it.
        """
        with self._database.transaction() as session:
            lock_pools(session, f"avi:{avi}")
            release, project = _found(session, person, avi, version, operator=operator)
            is_author = members.may_write(session, project, person)
            standing = change.standing or OFFERED
            _require_allowed(release, project, standing, is_author=is_author, operator=operator)
            release.standing = standing
            release.standing_reason = "" if standing == OFFERED else change.reason
            release.withdrawn_by_operator = standing == WITHDRAWN and not is_author
            session.flush()
            log.info("Made %s %s %s by %s: %s", avi, version, standing, person, change.reason)
            return view_for(session, release, project, person)


def _found(session: Session, person: str, avi: str, version: str, *, operator: bool) -> tuple[Release, Avi]:
    """Return a release that somebody may see; an operator also what an operator withdrew, private though it be now."""
    known = releases.one(session, avi=avi, version=version)
    by_operator = operator and known is not None and known.withdrawn_by_operator
    return open_release(session, viewer=None if by_operator else person, avi=avi, version=version)


def require_usable(session: Session, *, avi: str, version: str, viewer: str) -> None:
    """Refuse what was withdrawn or is not ready, in the transaction that would use it.

    Raises
    ------
    NotReady
        With why.
    Withdrawn
        With why, and what to use instead.
    """
    release, project = releases.one(session, avi=avi, version=version), releases.avi(session, avi)
    if release is not None:
        writes = project is not None and members.may_write(session, project, viewer)
        require_this_usable(session, release, viewer=viewer, writes=writes)


def require_this_usable(session: Session, release: Release, *, viewer: str, writes: bool) -> None:
    """Refuse a release as `require_usable` does, where it was read already and so was what its viewer may."""
    if release.standing != WITHDRAWN:
        require_ready(release, writes=writes)
        return
    others = releases.visible(session, viewer=viewer, avi=release.avi, specs=False)
    best = best_of(others)[0] if others else release
    instead = best.version if best.standing != WITHDRAWN and best.state == READY else None
    raise Withdrawn(
        withdrawn_words(
            f"{release.avi} {release.version}",
            reason=release.standing_reason,
            by_operator=release.withdrawn_by_operator,
            instead=instead,
        ),
        field="version",
        instead=(release.avi, instead) if instead else None,
    )


def _require_allowed(
    release: Release, project: Avi, standing: str, *, is_author: bool, operator: bool
) -> None:
    """Authors change what is theirs; an operator withdraws anything, and takes back what an operator withdrew."""
    if release.standing == WITHDRAWN and release.withdrawn_by_operator:
        if not operator:
            raise Forbidden(
                f"An operator withdrew {release.avi} {release.version}: {release.standing_reason} "
                "Ask your operator to take that back, or publish a version in which it is mended."
            )
        return
    if is_author or (operator and standing == WITHDRAWN):
        return
    if operator:
        raise Forbidden(
            f"{release.avi} is {project.owner}'s: an operator withdraws a release of others, and takes back "
            f"what an operator withdrew; its authors alone make it {DEPRECATED} or {OFFERED}."
        )
    raise Forbidden(
        f"{release.avi} is {project.owner}'s: who may write it decides whether it is still offered."
    )
