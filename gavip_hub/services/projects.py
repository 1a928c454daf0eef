"""AVIs' repositories: who has one, and who may read and write it."""

import logging
from collections.abc import Sequence
from typing import Literal

from sqlalchemy.orm import Session

from avi_kernel.protocol.projects import MemberView, ProjectView
from gavip_hub.clock import Clock
from gavip_hub.config import Gavip
from gavip_hub.domain.addresses import git_url
from gavip_hub.domain.names import require_avi_name
from gavip_hub.domain.pushes import MAIN
from gavip_hub.exceptions import Conflict, Forbidden, NoRoom, NotFound
from gavip_hub.storage import members, releases
from gavip_hub.storage.database import Database, lock_pools
from gavip_hub.storage.repositories import Repositories
from gavip_hub.storage.schema import Avi, Member

OWN = "own"
MOST_PROJECTS = 200
MOST_MEMBERS = 200
_RANK = {None: 0, members.READ: 1, members.WRITE: 2, OWN: 3}
May = Literal["read", "write", "own"]

log = logging.getLogger(__name__)


class ProjectService:
    """Repositories and their people; each method changes the database in one transaction, if at all."""

    def __init__(
        self, *, database: Database, repositories: Repositories, config: Gavip, clock: Clock
    ) -> None:
        self._database = database
        self._repositories = repositories
        self._config = config
        self._clock = clock

    def of(self, *, viewer: str) -> list[ProjectView]:
        """Return the projects that somebody owns or is a member of."""
        with self._database.reading() as session:
            found = members.projects(session, viewer)
            names = [avi.name for avi in found]
            people, released = members.of_each(session, names), releases.versions_of_each(session, names)
            return [
                self._told(
                    avi,
                    right=_right_among(people[avi.name], avi, viewer),
                    people=people[avi.name],
                    released=released[avi.name],
                )
                for avi in found
            ]

    def get(self, *, viewer: str, name: str) -> ProjectView:
        """Return a project that somebody may read."""
        with self._database.reading() as session:
            return self._view(session, self._readable(session, viewer, name), viewer=viewer)

    def create(self, *, owner: str, name: str) -> ProjectView:
        """Make a project with an empty repository; of one's own that exists already nothing changes.

        Raises
        ------
        Conflict
            It is somebody else's.
        """
        require_avi_name(name, field="name")
        with self._database.transaction() as session:
            lock_pools(session, f"avi:{name}")
            avi = releases.avi(session, name)
            if avi is not None and avi.owner != owner:
                raise Conflict(f"An AVI {name!r} exists and is not yours; choose another name.", field="name")
            if avi is None:
                self._require_few(session, owner)
                avi = Avi(name=name, owner=owner, title=name, created_at=self._clock.now())
                session.add(avi)
                session.flush()
                log.info("Made the project %s of %s", name, owner)
            view = self._view(session, avi, viewer=owner)
        self._repositories.make(name)
        return view

    def _require_few(self, session: Session, owner: str) -> None:
        if sum(avi.owner == owner for avi in members.projects(session, owner)) >= MOST_PROJECTS:
            raise NoRoom(f"You own {MOST_PROJECTS} projects, and nobody owns more: ask your operator.")

    def share(self, *, owner: str, name: str, member: MemberView) -> ProjectView:
        """Let somebody read a repository, or write it as well."""
        with self._database.transaction() as session:
            lock_pools(session, f"avi:{name}")
            avi, user = self._own(session, owner, name), member.user.strip().lower()
            if user == avi.owner:
                raise Conflict(f"{user} owns {name} already.", field="user")
            if len(members.of(session, name)) >= MOST_MEMBERS:
                raise NoRoom(f"{name} has {MOST_MEMBERS} members, and nothing has more.", field="user")
            members.put(session, avi=name, user=user, may=member.may, at=self._clock.now())
            session.flush()
            return self._view(session, avi, viewer=owner)

    def unshare(self, *, owner: str, name: str, user: str) -> ProjectView:
        """Let somebody read and write a repository no more."""
        with self._database.transaction() as session:
            avi = self._own(session, owner, name)
            if not members.remove(session, avi=name, user=user):
                raise NotFound(f"{user} is no member of {name}.", field="user")
            session.flush()
            return self._view(session, avi, viewer=owner)

    def change(
        self,
        *,
        owner: str,
        name: str,
        source: Literal["private", "public"] | None = None,
        answers: Literal["jobs", "products"] | None = None,
    ) -> ProjectView:
        """Let everybody read a repository or its people alone, and run jobs of it or be answered from products alone."""
        with self._database.transaction() as session:
            avi = self._own(session, owner, name)
            avi.source, avi.answers = source or avi.source, answers or avi.answers
            session.flush()
            return self._view(session, avi, viewer=owner)

    def is_readable(self, *, viewer: str, name: str) -> bool:
        """Tell whether somebody may read a repository."""
        with self._database.reading() as session:
            avi = releases.avi(session, name)
            return avi is not None and _may_read(session, avi, viewer)

    def require_readable(self, *, viewer: str | None, name: str) -> None:
        """Refuse who may not read a repository; None is anybody who has not signed in.

        Raises
        ------
        NotFound
            There is none, or it is not for them: who may not read it is not told that it is there.
        """
        with self._database.reading() as session:
            self._readable(session, viewer, name)

    def require_owned(self, *, owner: str, name: str) -> None:
        """Refuse who does not own a project.

        Raises
        ------
        NotFound
            They may not even read it.
        Forbidden
            It is another's.
        """
        with self._database.reading() as session:
            self._own(session, owner, name)

    def require_member(self, *, viewer: str, name: str) -> None:
        """Refuse who is none of a project's people, even where everybody may read its repository.

        Raises
        ------
        NotFound
            They are none.
        """
        with self._database.reading() as session:
            if _right(session, self._readable(session, viewer, name), viewer) is None:
                raise NotFound(f"There is no project {name!r} that is yours.", field="name")

    def is_made(self, *, user: str, name: str) -> bool:
        """Tell whether a repository that somebody may write is there.

        Raises
        ------
        NotFound
            It is not for them.
        Forbidden
            They may read it only.
        """
        with self._database.reading() as session:
            if releases.avi(session, name) is None:
                return False
            avi = self._readable(session, user, name)
            if _RANK[_right(session, avi, user)] < _RANK[members.WRITE]:
                raise Forbidden(f"You may read {name} and not write it; ask {avi.owner}.")
        return self._repositories.is_made(name)

    def main_of(self, *, author: str, name: str) -> str:
        """Return the commit that main of a project is at which somebody may write.

        Raises
        ------
        NotFound
            It is not for them, or has no repository.
        Forbidden
            They may read it only.
        Conflict
            Nothing was pushed to main yet.
        """
        if not self.is_made(user=author, name=name):
            raise NotFound(f"There is no project {name!r} that you may write.")
        commit = self._repositories.git(name).named(MAIN)
        if not commit:
            raise Conflict(f"{name} has no commit on its branch main yet: push to it first.")
        return commit

    def make(self, *, user: str, name: str) -> None:
        """Make the repository of an AVI that somebody may write; an AVI that does not exist becomes theirs."""
        with self._database.reading() as session:
            exists = releases.avi(session, name) is not None
        if exists:
            self._repositories.make(name)
        else:
            self.create(owner=user, name=name)

    def _readable(self, session: Session, viewer: str | None, name: str) -> Avi:
        avi = releases.avi(session, name)
        if avi is None or not _may_read(session, avi, viewer):
            raise NotFound(f"There is no project {name!r} that is open to you.", field="name")
        return avi

    def _own(self, session: Session, owner: str, name: str) -> Avi:
        avi = self._readable(session, owner, name)
        if avi.owner != owner:
            raise Forbidden(f"{name} is {avi.owner}'s: its owner alone changes who may read and write it.")
        return avi

    def _view(self, session: Session, avi: Avi, *, viewer: str) -> ProjectView:
        right = _right(session, avi, viewer)
        people = members.of(session, avi.name) if right else []
        released = releases.versions(session, avi.name) if right else []
        return self._told(avi, right=right, people=people, released=released)

    def _told(
        self, avi: Avi, *, right: str | None, people: Sequence[Member], released: Sequence[str]
    ) -> ProjectView:
        return ProjectView.model_validate(
            {
                "name": avi.name,
                "owner": avi.owner,
                "git_url": git_url(self._config, avi.name),
                "source": avi.source,
                "answers": avi.answers,
                "may": right or members.READ,
                "members": [{"user": member.user, "may": member.may} for member in people],
                "released": released[::-1],
            }
        )


def _may_read(session: Session, avi: Avi, viewer: str | None) -> bool:
    return avi.source == releases.PUBLIC or _right(session, avi, viewer) is not None


def _right(session: Session, avi: Avi, user: str | None) -> str | None:
    """Return what somebody may do with a repository by being of its people."""
    if user is None:
        return None
    return OWN if avi.owner == user else members.right(session, avi=avi.name, user=user)


def _right_among(people: Sequence[Member], avi: Avi, user: str) -> str | None:
    """Return the same, of an AVI whose members are known."""
    if avi.owner == user:
        return OWN
    return next((member.may for member in people if member.user == user), None)
