"""One look at all servers: the ledger is brought in line with the Hub, idle interfaces and unknown boxes are closed."""

import logging
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime, timedelta
from typing import Any, Protocol

from gavip_hub.clock import Clock
from gavip_hub.hub.client import HubServer
from gavip_hub.scheduler.sightings import Sightings

TOO_NEW = timedelta(seconds=120)
"""Rows younger than this may be of servers that the Hub does not list yet."""
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
        boxes: Boxes,
        open_ids: Callable[[], set[str]],
        in_thread: Callable[..., Awaitable[Any]],
        clock: Clock,
        idle_timeout: int,
    ) -> None:
        self._hub = hub
        self._ledger = ledger
        self._boxes = boxes
        self._open_ids = open_ids
        self._in_thread = in_thread
        self._clock = clock
        self._idle_timeout = idle_timeout
        self._suspects: set[str] = set()
        self._sightings = Sightings(clock=clock)

    async def round(self) -> None:
        """Look at everything once; the Hub, which is one process, is asked for one list."""
        await self._clear()
        servers = await self._hub.list_servers()
        await self._ledger.reconcile(servers, since=self._clock.now() - TOO_NEW)
        for server in self._idle(servers):
            log.info("closing %s of %s: idle since %s", server.name, server.owner, _last(server))
            await self._hub.evict(user=server.owner, name=server.name)

    def _idle(self, servers: Iterable[HubServer]) -> list[HubServer]:
        """Return the interfaces whose users have sent no message for longer than the time-out.

        A server reports what its user does by itself; the pings of a tab that was forgotten do not count. Notebook
        servers are left alone: what runs in them may be long and is their user's own.
        """
        if self._idle_timeout <= 0:
            return []
        open_ones = [one for one in servers if one.name and one.ready]
        self._sightings.keep([_key(one) for one in open_ones])
        return [one for one in open_ones if self._silence(one) > self._idle_timeout]

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
            await self._in_thread(self._boxes.remove, name)
        self._suspects = unknown
