"""Projects that begin as a repository of another place: fetched beside the repositories, and put in place when whole."""

import logging
import secrets
from collections.abc import Callable
from pathlib import Path

from sqlalchemy.orm import Session

from avi_kernel.protocol.outside import ImportView
from avi_kernel.protocol.wording import listed, printable
from gavip_hub.clock import Clock
from gavip_hub.config import Gavip
from gavip_hub.domain.outside import OutsideUrl, outside_url
from gavip_hub.domain.pushes import released_version
from gavip_hub.exceptions import Conflict, Forbidden, GavipError, NotFound
from gavip_hub.services.projects import ProjectService
from gavip_hub.storage import outside
from gavip_hub.storage.database import Database, lock_pools
from gavip_hub.storage.git_outside import OutsideFailed, OutsideGit, Stopped
from gavip_hub.storage.outside import DONE, FAILED, RUNNING, WAITING
from gavip_hub.storage.outside_hosts import Resolver, resolved, way_to
from gavip_hub.storage.outside_schema import Import
from gavip_hub.storage.repositories import Repositories

STEP = 0.01
"""Of the whole: less is not written down."""
BROKE_OFF = "The platform was restarted meanwhile, and nothing was kept: import it again."

log = logging.getLogger(__name__)


class ImportService:
    """Begins imports, carries them out, and tells how far they are.

    Parameters
    ----------
    resolver
        Looks names up; tests give their own.
    """

    def __init__(
        self,
        *,
        database: Database,
        repositories: Repositories,
        projects: ProjectService,
        git: OutsideGit,
        config: Gavip,
        clock: Clock,
        resolver: Resolver = resolved,
    ) -> None:
        self._database = database
        self._repositories = repositories
        self._projects = projects
        self._git = git
        self._config = config
        self._clock = clock
        self._resolver = resolver

    def begin(self, *, person: str, avi: str, url: str) -> ImportView:
        """Begin an import into a new project, or into one's own to which nothing was pushed yet.

        Raises
        ------
        BadRequest
            The address is none that is taken.
        Conflict
            The project has commits, or is somebody else's, or this person imports another.
        """
        address = self._address(url)
        way_to(address, resolver=self._resolver)  # looked up again when it is fetched
        with self._database.reading() as session:
            _require_idle(session, person)  # before a project is made, and once more below
        self._projects.create(owner=person, name=avi)
        if self._repositories.names(avi):
            raise Conflict(f"{avi} has commits already: import into a new project.", field="avi")
        with self._database.transaction() as session:
            lock_pools(session, f"imports:{person}")
            _require_idle(session, person)
            found = Import(
                avi=avi, url=str(address), person=person, state=WAITING, begun_at=self._clock.now()
            )
            found.fraction, found.message, found.ended_at = 0.0, "", None
            view = import_view(session.merge(found))
        log.info("%s imports %s from %s", person, avi, address)
        return view

    def get(self, *, viewer: str, avi: str) -> ImportView:
        """Return how far the last import into a project is, for those who may read it.

        Raises
        ------
        NotFound
            There was none.
        """
        self._projects.require_readable(viewer=viewer, name=avi)
        with self._database.reading() as session:
            found = outside.import_of(session, avi)
            if found is None:
                raise NotFound(f"{avi} was not imported.", field="avi")
            return import_view(found)

    def waiting(self) -> list[str]:
        """Return the projects into which an import is to begin, those first that wait longest."""
        with self._database.reading() as session:
            return [found.avi for found in outside.imports_in(session, WAITING)]

    def fetch(self, avi: str) -> Path | None:
        """Fetch a repository beside the others; return where it lies, or None where that failed.

        Raises
        ------
        gavip_hub.storage.git_outside.Stopped
            The platform ends; what goes on is told as broken off at its next start.
        """
        with self._database.transaction() as session:
            found = outside.import_of(session, avi)
            if found is None or found.state != WAITING:
                return None
            found.state, url = RUNNING, found.url
        staging = self._repositories.import_folder(f"{avi}-{secrets.token_hex(4)}")
        try:
            way = way_to(self._address(url), resolver=self._resolver)
            self._git.fetch(way, staging, told=self._teller(avi))
        except (OutsideFailed, GavipError) as error:
            self._repositories.forget_import(staging)
            self._end(avi, FAILED, f"{printable(str(error), 500).rstrip('.')}.")
            return None
        except Stopped:
            raise
        except Exception:
            self._repositories.forget_import(staging)
            self._end(avi, FAILED, "The platform failed, and its log says how: ask your operator.")
            raise
        return staging

    def take_over(self, avi: str, staging: Path) -> None:
        """Make what was fetched the project's repository; call it while nobody pushes to that."""
        names = self._repositories.adopt(avi, staging)
        if names is None:
            self._end(
                avi, FAILED, "Somebody pushed to it meanwhile, and that was kept: import into a new project."
            )
            return
        self._end(avi, DONE, _told_of(names))

    def break_off(self) -> None:
        """Tell at a start of the platform which imports its end broke off; what waits still begins."""
        self._repositories.forget_imports()
        with self._database.reading() as session:
            running = [found.avi for found in outside.imports_in(session, RUNNING)]
        for avi in running:
            names = self._repositories.names(avi)
            self._end(avi, DONE if names else FAILED, _told_of(names) if names else BROKE_OFF)

    def _address(self, url: str) -> OutsideUrl:
        if not self._config.outside_git:
            raise Forbidden("Importing is switched off on this platform: clone it, and push it here.")
        return outside_url(url, inner=self._config.inner_git_hosts)

    def _teller(self, avi: str) -> Callable[[float], None]:
        last = 0.0

        def tell(fraction: float) -> None:
            nonlocal last
            if fraction >= last + STEP:
                last = fraction
                with self._database.transaction() as session:
                    if found := outside.import_of(session, avi):
                        found.fraction = fraction

        return tell

    def _end(self, avi: str, state: str, message: str) -> None:
        with self._database.transaction() as session:
            if found := outside.import_of(session, avi):
                found.state, found.message, found.ended_at = state, message, self._clock.now()
                found.fraction = 1.0 if state == DONE else found.fraction
                log.info("Import of %s from %s: %s: %s", avi, found.url, state, message)


def _require_idle(session: Session, person: str) -> None:
    for other in outside.imports_in(session, WAITING, RUNNING, person=person):
        raise Conflict(
            f"You import {other.avi} now: wait for its end, since one goes on at a time.", field="avi"
        )


def _told_of(names: list[str]) -> str:
    """Say what came, and that a tag that came along is no release yet."""
    branches = sum(name.startswith("refs/heads/") for name in names)
    tags = len(names) - branches
    told = f"{branches} branch{'' if branches == 1 else 'es'} and {tags} tag{'' if tags == 1 else 's'} came."
    versions = [name.removeprefix("refs/tags/") for name in names if released_version(name)]
    if not versions:
        return told
    one = versions[-1]
    return (
        f"{told} No tag became a release by itself ({listed(versions)}): to release one, clone the project, and there "
        f"`git push --delete origin {one} && git push origin {one}`."
    )


def import_view(found: Import) -> ImportView:
    """Return an import as people see it."""
    return ImportView.model_validate({name: getattr(found, name) for name in ImportView.model_fields})
