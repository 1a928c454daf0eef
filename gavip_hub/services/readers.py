"""Who readers of products are, as the Hub knows them: users by name, and members of groups."""

from collections.abc import Collection
from contextlib import suppress

from gavip_hub.clock import Clock
from gavip_hub.exceptions import GavipError
from gavip_hub.services.opening import Hub
from gavip_hub.services.showing import Showing
from gavip_hub.storage import products
from gavip_hub.storage.database import Database
from gavip_hub.threads import Threads

REST = 20
"""Times as long as the Hub took to answer, it is left alone: it is one process, and a group may be large."""


class ReaderService:
    """Asks the Hub, of one group after another.

    Parameters
    ----------
    in_thread
        Threads of the database.
    """

    def __init__(
        self, *, database: Database, hub: Hub, showing: Showing, clock: Clock, in_thread: Threads
    ) -> None:
        self._database = database
        self._hub = hub
        self._showing = showing
        self._clock = clock
        self._in_thread = in_thread
        self._last = ""
        self._not_before = float("-inf")

    async def knows(self, user: str) -> bool | None:
        """Tell whether the Hub knows a user; None where it does not answer."""
        try:
            return await self._hub.knows(user)
        except GavipError:
            return None

    async def learn(self, group: str, *, among: Collection[str]) -> None:
        """Find out who is in a group that something is about to be shared with, where it is one of these.

        Where the Hub does not answer, the next look finds it out.
        """
        if group in among:
            with suppress(GavipError):
                await self._ask({group})

    async def look(self) -> None:
        """Find out who is in the next of the groups that something is shared with, and show what follows from it.

        Groups that are not known yet do not wait for their turn.
        """
        groups = await self._in_thread(self._groups)
        unknown = await self._in_thread(self._showing.keep_members, groups)
        begun = self._clock.monotonic()
        if begun < self._not_before and not unknown:
            return
        self._last = _next(groups, self._last)
        await self._ask({self._last, *unknown} & groups)
        now = self._clock.monotonic()
        self._not_before = now + REST * (now - begun)

    async def _ask(self, groups: Collection[str]) -> None:
        for group in sorted(groups):
            found = {group: await self._hub.members(group)}
            await self._in_thread(self._showing.know_members, found)

    def _groups(self) -> set[str]:
        with self._database.reading() as session:
            return products.groups(session, now=self._clock.now())


def _next(groups: Collection[str], last: str) -> str:
    """Return which group comes after another, and the first one after the last; empty: there is none."""
    later = sorted(group for group in groups if group > last)
    return later[0] if later else min(groups, default="")
