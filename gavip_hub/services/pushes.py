"""What happens while somebody pushes: names that stay are kept, and a tag of a version becomes a release."""

import logging
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from avi_kernel.protocol.pushes import Push, PushAnswer, RefUpdate
from gavip_hub.domain.pushes import MAIN, never_changes, refusals, released_version
from gavip_hub.exceptions import Conflict, GavipError, SignInRequired
from gavip_hub.services.releases import ReleaseService
from gavip_hub.storage import releases, templates
from gavip_hub.storage.builds import BUILDING
from gavip_hub.storage.database import Database
from gavip_hub.storage.repositories import Repositories

MOST_RELEASES = 20
"""At once: each is read and checked while its author waits."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class _Pusher:
    """Whose push it is, and whereto."""

    user: str
    avi: str


class PushService:
    """Answers the hooks of git, each with a secret of its own push, and while that push lasts.

    Parameters
    ----------
    page_of
        Returns the address of an AVI's page.
    pushed
        Is told of each AVI that was pushed to.
    lacking
        Says what AVIs of an image will miss on this platform.
    """

    def __init__(
        self,
        *,
        database: Database,
        repositories: Repositories,
        releases: ReleaseService,
        page_of: Callable[[str], str],
        pushed: Callable[[str], None],
        lacking: Callable[[str], str],
    ) -> None:
        self._database = database
        self._repositories = repositories
        self._releases = releases
        self._page_of = page_of
        self._pushed = pushed
        self._lacking = lacking
        self._pushers: dict[str, _Pusher] = {}

    @contextmanager
    def one(self, *, user: str, avi: str) -> Iterator[str]:
        """Give the secret of a push that lasts as long as the block."""
        secret = secrets.token_urlsafe(32)
        self._pushers[secret] = _Pusher(user=user, avi=avi)
        try:
            yield secret
        finally:
            del self._pushers[secret]

    @contextmanager
    def own(self, *, user: str, avi: str, old: str, new: str) -> Iterator[None]:
        """Hold the block, which moves main for somebody, to what a push of theirs is held to, and tell of it as of a push.

        Raises
        ------
        Conflict
            A push of the same would not be taken.
        """
        push = Push(updates=[RefUpdate(old=old, new=new, name=MAIN)])
        with self.one(user=user, avi=avi) as secret:
            answer = self.check(secret, push)
            if not answer.is_taken:
                raise Conflict(" ".join(answer.lines))
            yield
            self.take(secret, push)

    def goes_on(self, avi: str) -> bool:
        """Tell whether anybody pushes to an AVI now."""
        return any(pusher.avi == avi for pusher in self._pushers.values())

    def check(self, secret: str, push: Push) -> PushAnswer:
        """Tell whether a push is taken, before it is: all of it or nothing."""
        pusher = self._pusher(secret)
        with self._database.reading() as session:
            commits = releases.commits(session, pusher.avi)
            offered = {row.version for row in templates.of_project(session, pusher.avi)}
        lines = list(refusals(push.updates, released=commits.keys(), offered=offered))
        lines += lines or self._unfit(pusher, push, commits)
        if lines:
            log.info("Refused a push of %s to %s: %s", pusher.user, pusher.avi, lines[0])
        return PushAnswer(is_taken=not lines, lines=lines)

    def take(self, secret: str, push: Push) -> PushAnswer:
        """Make releases of the versions that were pushed."""
        pusher = self._pusher(secret)
        self._pushed(pusher.avi)
        lines = [self._released(pusher, version, update) for version, update in _versions(push.updates)]
        return PushAnswer(is_taken=True, lines=lines)

    def _pusher(self, secret: str) -> _Pusher:
        pusher = self._pushers.get(secret)
        if pusher is None:
            raise SignInRequired("This is for the hooks of git, while somebody pushes.")
        return pusher

    def _unfit(self, pusher: _Pusher, push: Push, released: Mapping[str, str]) -> list[str]:
        """Return why versions cannot become releases, a line for each that cannot."""
        versions = _versions(push.updates)
        if len(versions) > MOST_RELEASES:
            return [f"{len(versions)} versions at once; {MOST_RELEASES} are checked: push them in parts."]
        found = (
            self._why_unfit(pusher, version, update, pushed=push.pushed, released=released.get(version))
            for version, update in versions
        )
        return [line for line in found if line]

    def _why_unfit(
        self, pusher: _Pusher, version: str, update: RefUpdate, *, pushed: str | None, released: str | None
    ) -> str:
        push_folder = pushed or ""
        try:
            commit = self._repositories.commit_of(pusher.avi, update.new, pushed=push_folder)
            if commit is None:
                return f"v{version}: tags no commit."
            if released is not None:  # its tag was lost: it may come back, and lead nowhere else
                return "" if commit == released else never_changes(update.name)
            if self._repositories.is_template(pusher.avi, commit, pushed=push_folder):
                return ""
            self._releases.check_commit(avi=pusher.avi, version=version, commit=commit, pushed=push_folder)
        except GavipError as error:
            return f"v{version}: {error.message}"
        return ""

    def _released(self, pusher: _Pusher, version: str, update: RefUpdate) -> str:
        try:
            commit = self._repositories.commit_of(pusher.avi, update.new)
            if commit and self._repositories.is_template(pusher.avi, commit):
                return f"v{version}: is a version of a template, and no release; an operator offers it."
            release = self._releases.submit_commit(
                submitter=pusher.user, avi=pusher.avi, version=version, commit=commit or update.new
            )
        except GavipError as error:
            return f"v{version}: is kept, and did not become a release: {error.message}"
        told = f"Released {pusher.avi} {version} ({release.visibility}): {self._page_of(pusher.avi)}"
        notes = [
            "Its packages are fetched first; see your jobs." if release.state == BUILDING else "",
            self._lacking(release.spec.manifest.image),
        ]
        return "\n".join([told, *filter(None, notes)])


def _versions(updates: Sequence[RefUpdate]) -> list[tuple[str, RefUpdate]]:
    """Return the versions that a push brings."""
    named = ((released_version(update.name), update) for update in updates if not update.is_deletion)
    return [(version, update) for version, update in named if version]
