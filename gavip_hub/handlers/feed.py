"""Wake event streams when there is news; the database alone holds the news itself."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager

from gavip_hub.logs import Trouble
from gavip_hub.storage.database import Listener, Touched

TICK = 0.5

log = logging.getLogger(__name__)


class EventFeed:
    """Bells for those who wait for events of an owner.

    A commit of this process rings at once. Commits of another process (the Hub's hooks write server events)
    are seen by looking at one number, once a tick, while anybody waits. Where it grew, those alone are woken who have
    news: each that wakes asks the database.

    Parameters
    ----------
    subscribe
        Has a listener called, in any thread, after each commit of this process; returns what ends that.
    latest
        Tells the newest event's id.
    owners
        Tells whose events are newer than an id.
    """

    def __init__(
        self,
        *,
        subscribe: Callable[[Listener], Callable[[], None]],
        latest: Callable[[], Awaitable[int]],
        owners: Callable[[int], Awaitable[frozenset[str]]],
    ) -> None:
        self._subscribe = subscribe
        self._latest = latest
        self._owners = owners
        self._bells: dict[str, set[asyncio.Event]] = defaultdict(set)
        self._seen = 0
        self._trouble = Trouble(log=log, what="Looking for news")

    @contextmanager
    def listen(self, owner: str) -> Iterator[asyncio.Event]:
        """Give a bell that rings at news of an owner; clear it before looking, wait on it after."""
        bell = asyncio.Event()
        self._bells[owner].add(bell)
        try:
            yield bell
        finally:
            self._bells[owner].discard(bell)
            if not self._bells[owner]:
                del self._bells[owner]

    def ring(self, owners: frozenset[str] | None = None) -> None:
        """Wake those who listen to these owners; None: all."""
        for owner in list(self._bells) if owners is None else owners:
            for bell in self._bells.get(owner, ()):
                bell.set()

    async def run(self) -> None:
        """Ring at this process's commits, and look for other processes' news, until cancelled."""
        here = asyncio.get_running_loop()
        unsubscribe = self._subscribe(lambda touched: here.call_soon_threadsafe(self._on_commit, touched))
        try:
            while True:
                await asyncio.sleep(TICK)
                if self._bells:
                    await self._look()
        finally:
            unsubscribe()

    def _on_commit(self, touched: Iterable[Touched]) -> None:
        self.ring(frozenset(one.owner for one in touched))

    async def _look(self) -> None:
        try:
            latest = await self._latest()
            owners = await self._told_since(latest)
            self._trouble.over()
        except Exception as error:  # noqa: BLE001 - the database may be away; the next tick looks again
            self._trouble.met(error)
            return
        self._seen = latest
        self.ring(owners)

    async def _told_since(self, latest: int) -> frozenset[str] | None:
        """Return who has news since the last look; None: anybody may, at the first one and after a backup was put back."""
        if latest == self._seen:
            return frozenset()
        return await self._owners(self._seen) if 0 < self._seen < latest else None
