"""Who readers of products are, as the Hub knows them: users by name, and members of groups."""

from gavip_hub.clock import Clock
from gavip_hub.exceptions import GavipError
from gavip_hub.services.opening import Hub
from gavip_hub.services.showing import Showing
from gavip_hub.storage import products
from gavip_hub.storage.database import Database
from gavip_hub.threads import Threads


class ReaderService:
    """Asks the Hub, which is one process and not to be asked often.

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

    async def knows(self, user: str) -> bool | None:
        """Tell whether the Hub knows a user; None where it does not answer."""
        try:
            return await self._hub.knows(user)
        except GavipError:
            return None

    async def look(self) -> None:
        """Find out who is in the groups that something is shared with, and show what follows from it."""
        groups = await self._in_thread(self._groups)
        found = {group: await self._hub.members(group) for group in sorted(groups)}
        await self._in_thread(self._showing.know_members, found)

    def _groups(self) -> set[str]:
        with self._database.reading() as session:
            return products.groups(session, now=self._clock.now())
