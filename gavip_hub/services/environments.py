"""Which packages a release sees beside those of its image."""

from pathlib import Path

from sqlalchemy.orm import Session

from avi_kernel.protocol.manifest import ReleaseSpec
from gavip_hub.exceptions import NotFound, NotReady
from gavip_hub.storage import builds, releases
from gavip_hub.storage.builds import BUILDING, FAILED, READY
from gavip_hub.storage.database import Database
from gavip_hub.storage.environments import Environments
from gavip_hub.storage.schema import Release


class EnvironmentService:
    """Finds environments, and makes their folders anew where these are gone."""

    def __init__(self, *, database: Database, environments: Environments) -> None:
        self._database = database
        self._environments = environments
        self._known: dict[tuple[str, str], str | None] = {}

    def folder_of(self, avi: str, version: str) -> Path | None:
        """Return the folder of a release's packages; None where it needs none.

        Raises
        ------
        NotFound
            A file that it is made of is gone.
        """
        if (avi, version) not in self._known:
            with self._database.reading() as session:
                release = releases.one(session, avi=avi, version=version)
            if release is None or release.state != READY:
                return None
            self._known[avi, version] = release.environment
        environment = self._known[avi, version]
        return self._folder(environment) if environment else None

    def _folder(self, environment: str) -> Path:
        with self._database.reading() as session:
            lock = builds.lock_of(session, environment)
        if lock is None:
            raise NotFound(f"The environment {environment} is not known any more.")
        return self._environments.installed(lock)


def begin(session: Session, release: Release, spec: ReleaseSpec) -> None:
    """Give a new release its packages where they are known, or have them fetched.

    What its predecessor had is taken again as long as it asks for the same: an author who changes a notebook gets no
    other packages, and waits for none. Only of its own AVI: what was found for others was found in their own boxes.
    """
    release.state = READY
    if not spec.requirements:
        return
    before = builds.newest_ready(session, release.avi)
    if before is not None and _asks_for_the_same(ReleaseSpec.model_validate(before.spec), spec):
        release.environment = before.environment
    else:
        release.state = BUILDING


def require_ready(release: Release, *, writes: bool) -> None:
    """Refuse a release whose packages are not here.

    Parameters
    ----------
    writes
        Who asks may write it, and is told what went wrong.

    Raises
    ------
    NotReady
        With why.
    """
    if release.state == READY:
        return
    what = f"{release.avi} {release.version}"
    if release.state == FAILED:
        others = "Its packages could not be fetched: use another version, or ask its owner."
        raise NotReady(f"{what} cannot be run. {release.reason if writes else others}")
    fetched = f"job {release.build} fetches them" if release.build else "they are fetched in a moment"
    more = (release.reason or fetched) if writes else "they are being fetched, so try again in some minutes"
    raise NotReady(f"{what} is not ready: its packages are not here yet; {more}.")


def _asks_for_the_same(one: ReleaseSpec, other: ReleaseSpec) -> bool:
    return (one.requirements, one.manifest.image) == (other.requirements, other.manifest.image)
