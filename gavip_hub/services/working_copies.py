"""A project's files in its author's own space: put there, compared, and taken back as a commit."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from gavip_hub.clock import Clock
from gavip_hub.exceptions import BadRequest, Conflict, NotFound
from gavip_hub.services.projects import ProjectService
from gavip_hub.services.quotas import QuotaService
from gavip_hub.storage.database import Database
from gavip_hub.storage.disk import DiskSpace
from gavip_hub.storage.git import Commit
from gavip_hub.storage.repositories import Repositories
from gavip_hub.storage.working_copies import MAIN, PLACE, Change, WorkingCopies

LONGEST_MESSAGE = 2000

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class CopyView:
    """Somebody's working copy, and what differs in it."""

    folder: str
    """From the top of their space."""
    changes: list[Change]
    is_behind: bool
    """Whether the main branch has moved since it was made."""


class WorkingCopyService:
    """Working copies of those who may write a project; nothing in one is run, nor asked for settings.

    Parameters
    ----------
    changed
        Is told of a repository that has something new.
    """

    def __init__(
        self,
        *,
        database: Database,
        quotas: QuotaService,
        projects: ProjectService,
        repositories: Repositories,
        copies: WorkingCopies,
        disk: DiskSpace,
        clock: Clock,
        changed: Callable[[str], None],
    ) -> None:
        self._database = database
        self._quotas = quotas
        self._projects = projects
        self._repositories = repositories
        self._copies = copies
        self._disk = disk
        self._clock = clock
        self._changed = changed

    def begin(self, *, owner: str, groups: Iterable[str], name: str) -> None:
        """Put what main has into the author's space; a copy that is there stays as it is.

        Raises
        ------
        Conflict
            Nothing was pushed yet, or something else lies in its place.
        BadManifest
            The repository holds a link or a submodule, which are put into nobody's space.
        """
        commit = self._main(owner, name)
        if not commit:
            raise Conflict(f"{name} has no commit on its branch main yet: push to it first.")
        if self._copies.base(owner, name):
            return
        self._disk.require_room()
        with self._database.reading() as session:
            self._quotas.require_space(session, owner=owner, groups=list(groups))
        self._copies.make(owner, name, commit)
        log.info("%s has a working copy of %s", owner, name)

    def look(self, *, owner: str, name: str) -> CopyView:
        """Return what differs in the author's copy.

        Raises
        ------
        NotFound
            They have none.
        BadManifest
            It holds a link, or too much.
        """
        main, base = self._main(owner, name), self._base(owner, name)
        tree = self._copies.taken_in(owner, name)
        try:
            found = self._copies.changed(name, base, tree)
        finally:
            self._repositories.discard(tree)
        return CopyView(folder=f"{PLACE}/{name}", changes=found, is_behind=main != base)

    def take(self, *, author: str, name: str, message: str) -> str:
        """Commit what differs to main, and return the commit.

        Raises
        ------
        Conflict
            Main has moved since the copy was made, or nothing differs.
        """
        said = message.replace("\0", "").strip()
        if not said or len(said) > LONGEST_MESSAGE:
            raise BadRequest(
                f"Say in at most {LONGEST_MESSAGE} characters what you changed.", field="message"
            )
        main, base = self._main(author, name), self._base(author, name)
        if main != base:
            raise Conflict(
                f"The main branch of {name} has moved since your copy was made. Rename your folder {PLACE}/{name}, "
                "choose Edit in JupyterLab for a fresh one, and put your changes there."
            )
        self._disk.require_room()
        tree = self._copies.taken_in(author, name)
        try:
            what = Commit(message=said, tag="", author=author, at=self._clock.now())
            made = self._copies.record(name, base, tree, what, owner=author)
        finally:
            self._repositories.discard(tree)
        self._changed(name)
        log.info("%s changed %s from their space", author, name)
        return made

    def _main(self, owner: str, name: str) -> str:
        """Return main's commit, for those who may write the project."""
        if not self._projects.is_made(user=owner, name=name):
            raise NotFound(f"There is no project {name!r} that you may write.")
        return self._repositories.git(name).named(MAIN)

    def _base(self, owner: str, name: str) -> str:
        base = self._copies.base(owner, name)
        if not base:
            raise NotFound(f"You have no working copy of {name}: choose Edit in JupyterLab on its page.")
        return base
