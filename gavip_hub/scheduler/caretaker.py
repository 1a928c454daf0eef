"""Looks after servers every now and then: closes idle interfaces, and boxes that nobody knows any more."""

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from gavip_hub.clock import Clock
from gavip_hub.exceptions import GavipError
from gavip_hub.hub.client import HubServer

ROUND_SECONDS = 60.0
"""One request to the Hub each: it is one process, and not to be asked often."""
YOUNG_SECONDS = 120.0
"""What began less long ago may not be known to everybody yet."""
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
    """What knows which servers there should be."""

    async def reconcile(self, servers: Sequence[HubServer], *, since: datetime) -> set[str]:
        """Close rows without a server, except those made after `since`; return the ids of the open rows."""
        ...


class Boxes(Protocol):
    """What starts and ends boxes."""

    async def older_than(self, moment: datetime) -> list[str]:
        """Return the names of boxes that began before."""
        ...

    async def remove(self, name: str) -> None:
        """End a box and forget it."""
        ...


def idle(servers: Iterable[HubServer], *, now: datetime, timeout: int) -> list[HubServer]:
    """Return the interfaces whose users have sent no message for longer than the time-out.

    A server reports what its user does by itself; the pings of a tab that was forgotten do not count. Notebook
    servers are left alone: what runs in them may be long and is their user's own.
    """
    if timeout <= 0:
        return []
    limit = now - timedelta(seconds=timeout)
    return [one for one in servers if one.name and one.ready and (last := _last(one)) and last < limit]


def _last(server: HubServer) -> datetime | None:
    times = [time for time in (server.started, server.last_activity) if time]
    return max(times, default=None)


class Caretaker:
    """Keeps Hub, ledger and boxes in line.

    Parameters
    ----------
    idle_timeout
        Seconds; 0: never.
    """

    def __init__(self, *, hub: Hub, ledger: Ledger, boxes: Boxes, clock: Clock, idle_timeout: int) -> None:
        self._hub = hub
        self._ledger = ledger
        self._boxes = boxes
        self._clock = clock
        self._idle_timeout = idle_timeout

    async def run(self) -> None:
        """Make a round a minute, until cancelled; a Hub that is down is asked again at the next."""
        while True:
            try:
                await self.round()
            except GavipError as error:
                log.warning("servers could not be looked after: %s", error)
            await self._clock.sleep(ROUND_SECONDS)

    async def round(self) -> None:
        """Look at everything once."""
        now = self._clock.now()
        servers = await self._hub.list_servers()
        for server in idle(servers, now=now, timeout=self._idle_timeout):
            log.info("closing %s of %s: idle since %s", server.name, server.owner, _last(server))
            await self._hub.evict(user=server.owner, name=server.name)
        since = now - timedelta(seconds=YOUNG_SECONDS)
        known = await self._ledger.reconcile(servers, since=since)
        await self._clear(known, since)

    async def _clear(self, known: set[str], since: datetime) -> None:
        """Remove boxes of servers that the Hub had started and forgotten: it was killed before it noted them."""
        for name in await self._boxes.older_than(since):
            if name.startswith(SERVER_BOXES) and name.removeprefix(SERVER_BOXES) not in known:
                log.warning("removing the box %s, which no server has", name)
                await self._boxes.remove(name)
