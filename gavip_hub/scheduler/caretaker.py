"""One look at all servers: the ledger is brought in line with the Hub, idle interfaces and unknown boxes are closed."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime, timedelta
from typing import Any, Protocol

from gavip_hub.clock import Clock
from gavip_hub.exceptions import GavipError
from gavip_hub.hub.client import HubServer
from gavip_hub.services.evictions import Closing, Look, Silence
from gavip_hub.services.sightings import Sightings

TOO_NEW = timedelta(seconds=120)
"""Rows younger than this may be of servers that the Hub does not list yet."""
LISTED_AGAIN = 20.0
"""Seconds after which the Hub is asked again while somebody waits for what an interface may hold in vain."""
SERVER_BOXES = "gavip-server-"

log = logging.getLogger(__name__)


class Hub(Protocol):
    """The part of the Hub's client that is needed here."""

    async def list_servers(self) -> list[HubServer]:
        """Return everybody's active servers."""
        ...

    async def evict(self, *, user: str, name: str) -> bool:
        """Stop a server with the service's own token."""
        ...


class Ledger(Protocol):
    """What brings the ledger of servers in line with the Hub."""

    async def reconcile(self, listed: Iterable[HubServer], *, since: datetime) -> None:
        """Close rows whose servers are gone, and note which answer."""
        ...


class Evictions(Protocol):
    """What decides which interfaces close, and keeps why; each method blocks."""

    def look(self, silence: Silence) -> Look:
        """Give notice and withdraw it; tell whether any notice is over."""
        ...

    def begin(self, silence: Silence) -> list[Closing]:
        """Return the interfaces that are to be stopped for others now."""
        ...

    def begin_one(self, *, owner: str, name: str, silence: float, timeout: float) -> Closing | None:
        """Note that an interface is to be stopped because it was idle for so long; None where its user kept it."""
        ...

    def settle(self, closing: Closing, *, gone: bool) -> None:
        """Note what became of it."""
        ...


class Boxes(Protocol):
    """What starts and ends boxes."""

    def names(self) -> list[str]:
        """Return the names of all boxes."""
        ...

    def remove(self, name: str) -> None:
        """End a box and forget it."""
        ...


def _key(server: HubServer) -> str:
    return f"{server.owner}/{server.name}"


def _last(server: HubServer) -> datetime | None:
    times = [time for time in (server.started, server.last_activity) if time]
    return max(times, default=None)


class Caretaker:
    """Closes what nobody uses or knows any more.

    Parameters
    ----------
    open_ids
        Returns the ids of the ledger's open rows; blocks.
    in_thread
        Runs what blocks.
    idle_timeout
        Seconds; 0: never.
    """

    def __init__(
        self,
        *,
        hub: Hub,
        ledger: Ledger,
        evictions: Evictions,
        boxes: Boxes,
        open_ids: Callable[[], set[str]],
        in_thread: Callable[..., Awaitable[Any]],
        clock: Clock,
        idle_timeout: int,
    ) -> None:
        self._hub = hub
        self._ledger = ledger
        self._evictions = evictions
        self._boxes = boxes
        self._open_ids = open_ids
        self._in_thread = in_thread
        self._clock = clock
        self._idle_timeout = idle_timeout
        self._suspects: set[str] = set()
        self._sightings = Sightings(clock=clock)
        self._open: list[HubServer] = []
        self._listed_at = clock.monotonic()
        self._one_at_a_time = asyncio.Lock()

    async def round(self) -> None:
        """Look at everything once; the Hub, which is one process, is asked for one list."""
        await self._clear()
        async with self._one_at_a_time:
            servers = await self._list()
            await self._ledger.reconcile(servers, since=self._clock.now() - TOO_NEW)
            closings = [await self._begin_one(server) for server in self._idle()]
            await self._evict(filter(None, closings))

    async def make_room(self) -> None:
        """Have idle interfaces give way to those who wait; asks the Hub nothing while nobody does."""
        async with self._one_at_a_time:
            found: Look = await self._in_thread(self._evictions.look, self._silences())
            listed_ago = self._clock.monotonic() - self._listed_at
            if found.is_due or (found.is_short and listed_ago > LISTED_AGAIN):
                await self._list()
            if not found.is_due:
                return
            # By a list of this moment: who used theirs since the last one keeps it.
            await self._evict(await self._in_thread(self._evictions.begin, self._silences()))

    async def _list(self) -> list[HubServer]:
        """Ask the Hub for all servers, and remember its interfaces.

        Notebook servers are left alone: what runs in them may be long and is their user's own.
        """
        servers = await self._hub.list_servers()
        self._listed_at = self._clock.monotonic()
        self._open = [one for one in servers if one.name and one.ready]
        self._sightings.keep([_key(one) for one in self._open])
        self._silences()  # seen from now on
        return servers

    def _silences(self) -> Silence:
        return {(one.owner, one.name): self._silence(one) for one in self._open}

    async def _begin_one(self, server: HubServer) -> Closing | None:
        found: Closing | None = await self._in_thread(
            self._evictions.begin_one,
            owner=server.owner,
            name=server.name,
            silence=self._silence(server),
            timeout=self._idle_timeout,
        )
        return found

    async def _evict(self, closings: Iterable[Closing]) -> None:
        """Have the Hub stop these; one that it does not stop keeps no other, and stays open."""
        failed: GavipError | None = None
        for closing in closings:
            log.info("closing %s of %s: %s", closing.name, closing.owner, closing.why)
            try:
                gone = await self._hub.evict(user=closing.owner, name=closing.name)
            except GavipError as error:
                failed, gone = error, None
            if gone is not False:  # else it is on its way, and the Hub's hook closes its row
                await self._in_thread(self._evictions.settle, closing, gone=bool(gone))
        if failed:
            raise failed

    def _idle(self) -> list[HubServer]:
        """Return the interfaces whose users have sent no message for longer than the time-out.

        A server reports what its user does by itself; the pings of a tab that was forgotten do not count.
        """
        return [one for one in self._open if 0 < self._idle_timeout < self._silence(one)]

    def _silence(self, server: HubServer) -> float:
        """Return for how many seconds nothing was heard, by a clock that nobody sets once the server was seen."""
        last, now = _last(server), self._clock.now()
        already = 0.0 if last is None else max(0.0, (now - last).total_seconds())
        return self._sightings.age(_key(server), "last", last, already=already)

    async def _clear(self) -> None:
        """Remove boxes of servers that the Hub had started and was killed before it noted them.

        A server has its row before its box, so the boxes are listed first. When it ends, its row may be closed a
        moment before the spawner removes the box: only what two rounds found is removed.
        """
        names = await self._in_thread(self._boxes.names)
        known = {SERVER_BOXES + one for one in await self._in_thread(self._open_ids)}
        unknown = {name for name in names if name.startswith(SERVER_BOXES)} - known
        for name in unknown & self._suspects:
            log.warning("removing the box %s, which no server has", name)
            try:
                await self._in_thread(self._boxes.remove, name)
            except (GavipError, OSError) as error:
                log.warning("%s: %s; it is tried again", name, error)
        self._suspects = unknown
