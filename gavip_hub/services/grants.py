"""What users let AVIs write in their space, beside each AVI's own folder."""

import logging
from collections.abc import Callable

from avi_kernel.protocol.api import GrantView
from gavip_hub.clock import Clock
from gavip_hub.domain.grants import checked_folder, with_one_more
from gavip_hub.exceptions import NotFound
from gavip_hub.services.quotas import QuotaService
from gavip_hub.services.releases import ReleaseService
from gavip_hub.storage import grants
from gavip_hub.storage.database import Database

log = logging.getLogger(__name__)


class GrantService:
    """Grants of one user to one AVI; what runs keeps what it was started with.

    Parameters
    ----------
    quotas
        Whose lock on a user's pool keeps two changes at once from losing one.
    """

    def __init__(
        self, *, database: Database, releases: ReleaseService, quotas: QuotaService, clock: Clock
    ) -> None:
        self._database = database
        self._releases = releases
        self._quotas = quotas
        self._clock = clock

    def folders(self, *, owner: str, avi: str) -> tuple[str, ...]:
        """Return the folders that a container of this AVI is to write."""
        with self._database.reading() as session:
            return tuple(grants.of(session, owner=owner, avi=avi))

    def view(self, *, owner: str, avi: str) -> GrantView:
        """Return what an AVI may write.

        Raises
        ------
        gavip_hub.exceptions.NotFound
            There is no such AVI for this user.
        """
        self._releases.avi(viewer=owner, name=avi)
        return GrantView(avi=avi, own=f"avis/{avi}", folders=list(self.folders(owner=owner, avi=avi)))

    def give(self, *, owner: str, avi: str, folder: str) -> GrantView:
        """Let an AVI write one more folder, from its next start on.

        Raises
        ------
        gavip_hub.exceptions.NotFound
            There is no such AVI for this user.
        gavip_hub.exceptions.BadParameter
            It is no folder that can be granted.
        gavip_hub.exceptions.Conflict
            It is granted already, or too many are.
        """
        self._releases.avi(viewer=owner, name=avi)
        name = checked_folder(folder, avi=avi)
        return self._change(owner, avi, lambda granted: with_one_more(granted, name))

    def withdraw(self, *, owner: str, avi: str, folder: str) -> GrantView:
        """Let an AVI only read a folder again, from its next start on.

        Raises
        ------
        gavip_hub.exceptions.NotFound
            It was not granted.
        """

        def without(granted: list[str]) -> list[str]:
            if folder not in granted:
                named = ", ".join(granted) or "none"
                raise NotFound(f"{folder[:80]} is not granted to {avi[:40]}; granted: {named}.")
            return [one for one in granted if one != folder]

        return self._change(owner, avi, without)

    def _change(self, owner: str, avi: str, change: Callable[[list[str]], list[str]]) -> GrantView:
        with self._database.transaction() as session:
            self._quotas.hold(session, owner)
            folders = change(grants.of(session, owner=owner, avi=avi))
            grants.replace(session, owner=owner, avi=avi, folders=folders, at=self._clock.now())
        log.info("%s lets %s write %s", owner, avi, ", ".join(folders) or "its own folder alone")
        return GrantView(avi=avi, own=f"avis/{avi}", folders=folders)
