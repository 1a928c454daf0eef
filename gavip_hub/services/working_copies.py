"""A project's files in its author's own space: put there, compared, and taken back as a commit."""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from gavip_hub.clock import Clock
from gavip_hub.config import MB
from gavip_hub.domain.pushes import MAIN, checked_message
from gavip_hub.exceptions import Conflict, NotFound
from gavip_hub.lately import Lately
from gavip_hub.services.projects import ProjectService
from gavip_hub.services.pushes import PushService
from gavip_hub.services.quotas import QuotaService
from gavip_hub.storage import spaces
from gavip_hub.storage.copies import Tree
from gavip_hub.storage.database import Database
from gavip_hub.storage.disk import DiskSpace
from gavip_hub.storage.git import Commit
from gavip_hub.storage.git_drafts import Change, Draft, Drafts
from gavip_hub.storage.git_entries import Entry
from gavip_hub.storage.repositories import Repositories
from gavip_hub.storage.working_copies import PLACE, WorkingCopies, reference

MOST_NOTEBOOKS = 50
LOOKS_KEPT = 64
MOST_LETTERS_KEPT = 100_000
"""Of the lines and paths that differ in one look; where there are more they are compared each time."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What somebody saw who asks to take it: nothing else is taken."""

    main: str
    base: str
    digest: str
    """Of all files of the copy."""


@dataclass(frozen=True, kw_only=True)
class Differing:
    """What differs in a working copy."""

    changes: Sequence[Change]
    lines: str
    has_all_lines: bool
    hindrance: str
    """Why the changes cannot be joined to what main has; nothing where they can."""


@dataclass(frozen=True, kw_only=True)
class CopyView(Differing):
    """Somebody's working copy, and what differs in it."""

    folder: str
    """From the top of their space."""
    notebooks: list[str]
    """Files of it, some at most."""
    seen: Seen

    @property
    def is_behind(self) -> bool:
        """Whether main has something that the copy has not."""
        return self.seen.main != self.seen.base


class WorkingCopyService:
    """Working copies of those who may write a project; nothing in one is run, nor asked for settings.

    Parameters
    ----------
    pushes
        Hold what is taken to what a push of the same commit is held to.
    """

    def __init__(
        self,
        *,
        database: Database,
        quotas: QuotaService,
        projects: ProjectService,
        pushes: PushService,
        repositories: Repositories,
        copies: WorkingCopies,
        drafts: Drafts,
        disk: DiskSpace,
        clock: Clock,
    ) -> None:
        self._database = database
        self._quotas = quotas
        self._projects = projects
        self._pushes = pushes
        self._repositories = repositories
        self._copies = copies
        self._drafts = drafts
        self._disk = disk
        self._clock = clock
        self._compared: Lately[tuple[str, Seen], Differing] = Lately(most=LOOKS_KEPT)

    def begin(self, *, owner: str, groups: Iterable[str], name: str) -> None:
        """Put what main has into the author's space; a copy that is there stays as it is.

        Raises
        ------
        Conflict
            Nothing was pushed yet, or something else lies in its place.
        BadManifest
            The repository holds a link or a submodule, which are put into nobody's space.
        SpaceFull
            It does not fit into the quota.
        """
        commit = self._projects.main_of(author=owner, name=name)
        if not self._copies.base(owner, name):
            self._put(owner, groups, name, commit)

    def renew(self, *, owner: str, groups: Iterable[str], name: str) -> str:
        """Put a copy aside, all of it, and what main has now in its place; return the folder that it lies in now.

        Raises
        ------
        NotFound
            They have none.
        """
        commit = self._projects.main_of(author=owner, name=name)
        self._base(owner, name)
        aside = f"{name}-{self._clock.now():%Y%m%d-%H%M%S}"
        self._put(owner, groups, name, commit, aside=aside)
        return f"{PLACE}/{aside}"

    def look(self, *, owner: str, name: str) -> CopyView:
        """Return what differs in the author's copy.

        Raises
        ------
        NotFound
            They have none.
        BadManifest
            It holds a link, a name that git does not keep, or too much.
        """
        self._disk.require_room()
        main, base = self._projects.main_of(author=owner, name=name), self._base(owner, name)
        with self._taken_in(owner, name, base) as (before, tree):
            seen = Seen(main=main, base=base, digest=tree.digest)
            differing = self._compared.get((name, seen))
            if differing is None:  # the same files are compared with the same commits once
                what = self._signed(owner, "Looked at")
                with self._drafts.of_tree(name, base=base, before=before, tree=tree, what=what) as draft:
                    differing = self._differing(name, seen, draft)
            return CopyView(
                folder=f"{PLACE}/{name}",
                notebooks=[path for path in tree.files if path.endswith(".ipynb")][:MOST_NOTEBOOKS],
                seen=seen,
                **vars(differing),
            )

    def _differing(self, name: str, seen: Seen, draft: Draft) -> Differing:
        lines, is_all = draft.lines()
        hindrance = _hindrance(draft, seen.main)
        found = Differing(changes=draft.changes, lines=lines, has_all_lines=is_all, hindrance=hindrance)
        if len(lines) + sum(len(one.path) for one in found.changes) <= MOST_LETTERS_KEPT:
            self._compared.put((name, seen), found)
        return found

    def take(self, *, author: str, name: str, message: str, seen: Seen) -> str:
        """Commit what differs to main, and return the commit.

        Raises
        ------
        Conflict
            The copy or main is not what the author saw, nothing differs, or it contradicts what main got meanwhile.
        BadManifest
            A push of the same would not be taken.
        """
        main, base = self._projects.main_of(author=author, name=name), self._base(author, name)
        said = checked_message(message)
        self._disk.require_room()
        with self._taken_in(author, name, base) as (before, tree):
            _require_seen(Seen(main=main, base=base, digest=tree.digest), seen)
            signed = self._signed(author, said)
            with self._drafts.of_tree(name, base=base, before=before, tree=tree, what=signed) as draft:
                made = self._taken(name, main, draft, author=author, said=said)
        log.info("%s changed %s from their space", author, name)
        return made

    def _taken(self, name: str, main: str, draft: Draft, *, author: str, said: str) -> str:
        """Hand what differs over, joined to what main has."""
        if not draft.changes:
            raise Conflict("Nothing in your folder differs from what your copy began with.")
        made = draft.joined(main, self._signed(author, f"Join what {author} changed to main\n\n{said}"))
        moves = {MAIN: (main, made), reference(author): (draft.base, draft.commit)}
        with self._pushes.own(user=author, avi=name, old=main, new=made):
            self._drafts.keep(draft, made, moves)
        return made

    def _put(self, owner: str, groups: Iterable[str], name: str, commit: str, *, aside: str = "") -> None:
        """Put a commit's files into the author's space, and before that, what lies there aside."""
        self._disk.require_room()
        tree = self._repositories.take_out(name, commit)
        try:
            coming = _bytes(tree)
            with self._database.reading() as session:
                used_mb = self._quotas.require_fit(session, owner=owner, groups=groups, coming_mb=coming / MB)
            if aside:
                self._copies.put_aside(owner, name, aside)
            self._copies.make(owner, name, tree, commit)
        finally:
            self._repositories.discard(tree)
        with self._database.transaction() as session:  # until it is measured again
            spaces.put(session, owner, used_mb=used_mb + coming // MB + 1, at=self._clock.now())
        log.info("%s has a working copy of %s", owner, name)

    @contextmanager
    def _taken_in(self, owner: str, name: str, base: str) -> Iterator[tuple[Mapping[str, Entry], Tree]]:
        """Give the files of a copy's base, and a copy of the author's folder as it is at this moment."""
        before = self._drafts.files(name, base)
        tree = self._copies.taken_in(owner, name, before)
        try:
            yield before, tree
        finally:
            self._repositories.discard(tree)

    def _signed(self, author: str, message: str) -> Commit:
        return Commit(message=message, tag="", author=author, at=self._clock.now())

    def _base(self, owner: str, name: str) -> str:
        base = self._copies.base(owner, name)
        if not base:
            raise NotFound(f"You have no working copy of {name}: choose Edit in JupyterLab on its page.")
        return base


def _require_seen(now: Seen, seen: Seen) -> None:
    if now.digest != seen.digest or now.base != seen.base:
        raise Conflict(
            "Your folder has changed since you looked at it, so nothing was taken. This is what differs now."
        )
    if now.main != seen.main:
        raise Conflict(
            "The main branch has moved since you looked, so nothing was taken. This is what differs now."
        )


def _hindrance(draft: Draft, main: str) -> str:
    try:
        draft.require_joinable(main)
    except Conflict as conflict:
        return conflict.message
    return ""


def _bytes(tree: Tree) -> int:
    return sum((tree.folder / path).stat().st_size for path in tree.files)
