"""Repositories that are pushed on to other places after each push here: as well as that goes, and told where it does not."""

import logging
from datetime import timedelta

from sqlalchemy.orm import Session

from avi_kernel.protocol.outside import MirrorRequest, MirrorView
from avi_kernel.protocol.wording import printable
from gavip_hub.clock import Clock
from gavip_hub.config import Gavip
from gavip_hub.domain.outside import OutsideUrl, outside_url
from gavip_hub.exceptions import Forbidden, GavipError, NotFound
from gavip_hub.services.projects import ProjectService
from gavip_hub.storage import outside
from gavip_hub.storage.database import Database
from gavip_hub.storage.git_outside import OutsideFailed, OutsideGit, Stopped
from gavip_hub.storage.outside import DONE, FAILED, WAITING, Tokens
from gavip_hub.storage.outside_hosts import Resolver, resolved, way_to
from gavip_hub.storage.outside_schema import Mirror
from gavip_hub.storage.repositories import Repositories

PAUSES = (60, 300, 900, 3600, 3600, 3600, 3600)
"""Seconds until it is tried again; after the last it waits for the next push."""

log = logging.getLogger(__name__)


class MirrorService:
    """Knows where repositories are pushed on to, and does so.

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
        self._tokens = Tokens(folder=config.root / "repositories" / ".tokens")

    def put(self, *, owner: str, avi: str, request: MirrorRequest) -> MirrorView:
        """Push a project on to another place from now on, and once at once.

        Raises
        ------
        BadRequest
            The address is none that is taken.
        Forbidden
            It is not the asker's own project.
        """
        self._projects.require_owned(owner=owner, name=avi)
        address = self._address(request.url)
        way_to(address, resolver=self._resolver)  # looked up again at each push
        now = self._clock.now()
        with self._database.transaction() as session:
            known = outside.mirror_of(session, avi)
            is_same = known is not None and known.url == str(address)
            if request.token:
                self._tokens.put(avi, request.token)
            elif not is_same:
                self._tokens.remove(avi)  # it was given for another place
            found = Mirror(avi=avi, url=str(address), person=owner, state=WAITING, wanted_at=now, next_at=now)
            found.message, found.tries, found.done_at = "", 0, known.done_at if known and is_same else None
            view = self._view(session.merge(found))
        log.info("%s mirrors %s to %s", owner, avi, address)
        return view

    def get(self, *, viewer: str, avi: str) -> MirrorView:
        """Return where a project is pushed on to, for its own people.

        Raises
        ------
        NotFound
            Nowhere.
        """
        self._projects.require_member(viewer=viewer, name=avi)
        with self._database.reading() as session:
            return self._view(self._found(session, avi))

    def remove(self, *, owner: str, avi: str) -> None:
        """Push a project on no more, and forget the token."""
        self._projects.require_owned(owner=owner, name=avi)
        with self._database.transaction() as session:
            session.delete(self._found(session, avi))
            self._tokens.remove(avi)
        log.info("%s mirrors %s no more", owner, avi)

    def want(self, avi: str) -> None:
        """Note that something new is to be pushed on, where that is wanted at all."""
        now = self._clock.now()
        with self._database.transaction() as session:
            if found := outside.mirror_of(session, avi):
                found.state, found.tries, found.message = WAITING, 0, ""
                found.wanted_at = found.next_at = now

    def due(self) -> list[tuple[str, str]]:
        """Return the projects that are to be pushed on now, and for whom."""
        with self._database.reading() as session:
            return outside.mirrors_due(session, self._clock.now())

    def push(self, avi: str) -> None:
        """Push a repository on; where that fails it is tried again later.

        Raises
        ------
        gavip_hub.storage.git_outside.Stopped
            The platform ends; it is pushed on after its next start.
        """
        with self._database.reading() as session:
            found = outside.mirror_of(session, avi)
        if found is None:
            return
        began, complaint = self._clock.now(), ""
        try:
            way = way_to(self._address(found.url), resolver=self._resolver)
            if self._repositories.names(avi):
                self._git.push(way, self._repositories.folder(avi), token=self._tokens.get(avi))
        except (OutsideFailed, GavipError) as error:
            complaint = printable(str(error), 500)
        except Stopped:
            raise
        except Exception:
            log.exception("Mirroring %s failed", avi)
            complaint = "the platform failed, and its log says how: ask your operator"
        with self._database.transaction() as session:
            now = outside.mirror_of(session, avi)
            if now is not None and now.url == found.url:
                self._note(now, complaint, is_all=now.wanted_at == found.wanted_at)
        log.info(
            "Mirrored %s to %s in %s: %s", avi, found.url, self._clock.now() - began, complaint or "done"
        )

    def _note(self, mirror: Mirror, complaint: str, *, is_all: bool) -> None:
        now = self._clock.now()
        if not complaint:
            mirror.done_at, mirror.message, mirror.tries = now, "", 0
            if is_all:
                mirror.state, mirror.next_at = DONE, None
            return
        pause = PAUSES[mirror.tries] if mirror.tries < len(PAUSES) else None
        mirror.message, mirror.tries = complaint, mirror.tries + 1
        mirror.state = FAILED if pause is None else WAITING
        mirror.next_at = None if pause is None else now + timedelta(seconds=pause)

    def _address(self, url: str) -> OutsideUrl:
        if not self._config.outside_git:
            raise Forbidden("Mirroring is switched off on this platform: push to the other place yourself.")
        return outside_url(url, inner=self._config.inner_git_hosts)

    def _found(self, session: Session, avi: str) -> Mirror:
        found = outside.mirror_of(session, avi)
        if found is None:
            raise NotFound(f"{avi} is mirrored nowhere.", field="avi")
        return found

    def _view(self, found: Mirror) -> MirrorView:
        kept = {name: getattr(found, name, None) for name in MirrorView.model_fields}
        return MirrorView.model_validate({**kept, "has_token": bool(self._tokens.get(found.avi))})
