"""A release whose packages could not be fetched is given another try: most often the index was away."""

import logging

from avi_kernel.protocol.releases import ReleaseView
from gavip_hub.exceptions import Conflict, Forbidden
from gavip_hub.services.catalogue import open_release, view_for
from gavip_hub.storage import members
from gavip_hub.storage.builds import BUILDING, FAILED
from gavip_hub.storage.database import Database, lock_pools
from gavip_hub.storage.schema import Release

MOST_EARLIER = 20
"""Builds that are remembered of a release, the latest."""

log = logging.getLogger(__name__)


class RebuildService:
    """Has the packages of releases fetched once more; each method is one transaction."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    def begin_again(self, *, person: str, avi: str, version: str, operator: bool = False) -> ReleaseView:
        """Begin the build of a release again, which failed; the job that failed stays, with its log.

        Raises
        ------
        Conflict
            It did not fail.
        Forbidden
            Who asks is neither one of its authors nor an operator.
        """
        with self._database.transaction() as session:
            lock_pools(session, f"avi:{avi}")
            release, project = open_release(
                session, viewer=None if operator else person, avi=avi, version=version
            )
            if not (operator or members.may_write(session, project, person)):
                raise Forbidden(
                    f"{avi} is {project.owner}'s: who may write it has its packages fetched again."
                )
            _require_failed(release)
            earlier = [*release.earlier_builds, *([release.build] if release.build else [])]
            release.earlier_builds = earlier[-MOST_EARLIER:]
            release.state, release.build, release.reason = BUILDING, None, ""
            session.flush()
            log.info("The packages of %s %s are fetched again for %s", avi, version, person)
            return view_for(session, release, project, person)


def _require_failed(release: Release) -> None:
    if release.state == FAILED:
        return
    what = f"{release.avi} {release.version}"
    if release.state == BUILDING:
        raise Conflict(
            f"The packages of {what} are being fetched now: wait for the end of that, or cancel it and begin again."
        )
    raise Conflict(f"{what} has its packages, so nothing is fetched again: it can be run as it is.")
