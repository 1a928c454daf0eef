"""Open an interface with its user's own token, and follow it until it answers."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Protocol

from avi_kernel.protocol.api import Profile, ServerOpen, ServerView
from gavip_hub.exceptions import Conflict, GavipError, NoRoom, NotFound, Unavailable
from gavip_hub.services.reservations import ReservationService
from gavip_hub.services.server_rows import hub_name
from gavip_hub.services.servers import ServerService
from gavip_hub.services.wishes import Wish

REFUSED_WITHIN = 1.0
"""Seconds: what the Hub's hook refuses, it refuses at once; a start may take longer."""
READY_WITHIN = 90.0
LOOK_SECONDS = 1.0

log = logging.getLogger(__name__)
InThread = Callable[..., Awaitable[Any]]


class Hub(Protocol):
    """The part of the Hub's interface that is needed here."""

    async def start_server(self, *, token: str, user: str, name: str, options: Mapping[str, Any]) -> bool:
        """Ask for a start; return whether it is ready already."""
        ...

    async def stop_server(self, *, token: str, user: str, name: str) -> bool:
        """Ask for an end; return whether it is gone already."""
        ...

    async def is_ready(self, *, token: str, user: str, name: str) -> bool | None:
        """Tell whether a server answers; None where there is none."""
        ...

    async def knows(self, user: str) -> bool:
        """Tell whether there is a user of that name."""
        ...

    async def members(self, group: str) -> list[str]:
        """Return who is in a group; nobody where there is none."""
        ...


class Listed(Protocol):
    """A server as the Hub lists it."""

    @property
    def owner(self) -> str:
        """Whose it is."""
        ...

    @property
    def name(self) -> str:
        """The Hub's name for it."""
        ...

    @property
    def ready(self) -> bool:
        """Whether it answers."""
        ...


class OpeningService:
    """Starts and stops servers through the Hub.

    Parameters
    ----------
    in_thread
        Runs what blocks in the pool of the database.
    """

    def __init__(
        self, *, servers: ServerService, reservations: ReservationService, hub: Hub, in_thread: InThread
    ) -> None:
        self._servers = servers
        self._reservations = reservations
        self._hub = hub
        self._in_thread = in_thread
        self._followed: set[asyncio.Task[None]] = set()
        self._missed: set[str] = set()

    async def open(self, profile: Profile, token: str, request: ServerOpen) -> ServerView:
        """Open an AVI's interface, or take a place in the queue where there is no room.

        Raises
        ------
        gavip_hub.exceptions.GavipError
            It may not be opened, or another version of it is open.
        """
        wish = await self._in_thread(
            self._servers.wish_for,
            owner=profile.name,
            groups=profile.groups,
            avi=request.avi,
            version=request.version,
        )
        present = await self._present(wish, asked=request.version)
        if present is not None:
            return present
        place: ServerView | None = await self._in_thread(self._reservations.wait_if_full, wish)
        if place is not None:
            return place
        try:
            return await self._start(wish, token)
        except (
            NoRoom
        ):  # somebody's start that was under way took it meanwhile: this one waits, as it would have
            place = await self._in_thread(self._reservations.wait_if_full, wish)
            if place is None:
                raise
            return place

    async def close(self, profile: Profile, token: str, name: str) -> ServerView:
        """End a server, or give up waiting for one."""
        view: ServerView = await self._in_thread(self._servers.mark_stopping, owner=profile.name, name=name)
        if view.state == "waiting":
            return view
        try:
            gone = await self._hub.stop_server(token=token, user=profile.name, name=hub_name(name))
        except GavipError:
            await self._in_thread(self._servers.settle_stop, owner=profile.name, name=name, gone=False)
            raise
        if gone:
            await self._in_thread(self._servers.settle_stop, owner=profile.name, name=name, gone=True)
        return view

    async def reconcile(self, listed: Iterable[Listed], *, since: datetime) -> None:
        """Bring the ledger in line with the Hub's list of servers."""
        known = {(server.owner, server.name): server.ready for server in listed}
        self._missed = await self._in_thread(self._servers.reconcile, known, since=since, missed=self._missed)

    async def stop_following(self) -> None:
        """End the watching of starts; the next start of the service reconciles them."""
        for task in self._followed:
            task.cancel()
        await asyncio.gather(*self._followed, return_exceptions=True)

    async def _present(self, wish: Wish, *, asked: str | None) -> ServerView | None:
        """Return the server where it is open already, in the version that was asked for."""
        try:
            view: ServerView = await self._in_thread(self._servers.get, owner=wish.owner, name=wish.ref)
        except NotFound:
            return None
        if view.state == "waiting":
            return None
        if view.state == "stopping":
            raise Conflict(f"{wish.ref} is just closing; try again in a few seconds.")
        if asked is not None and view.version != asked:
            raise Conflict(f"{wish.ref} {view.version} is open; close it before you open {asked}.")
        return view

    async def _start(self, wish: Wish, token: str) -> ServerView:
        asked = asyncio.create_task(
            self._hub.start_server(token=token, user=wish.owner, name=wish.ref, options=wish.user_options)
        )
        await asyncio.wait({asked}, timeout=REFUSED_WITHIN)
        if asked.done() and asked.result():
            await self._in_thread(self._servers.mark_ready, owner=wish.owner, name=wish.ref)
        else:
            self._follow(wish, asked, token)
        view: ServerView = await self._in_thread(self._servers.view_of_wish, wish)
        return view

    def _follow(self, wish: Wish, asked: "asyncio.Task[bool]", token: str) -> None:
        task = asyncio.create_task(self._until_ready(wish, asked, token))
        self._followed.add(task)
        task.add_done_callback(self._followed.discard)

    async def _until_ready(self, wish: Wish, asked: "asyncio.Task[bool]", token: str) -> None:
        try:
            async with asyncio.timeout(READY_WITHIN):
                ready = await asked
                while not ready:
                    await asyncio.sleep(LOOK_SECONDS)
                    ready = await self._is_ready(wish, token)
            await self._in_thread(self._servers.mark_ready, owner=wish.owner, name=wish.ref)
        except (GavipError, TimeoutError) as error:
            message = str(error) or "It did not answer in time."
            log.warning("The server %s of %s did not start: %s", wish.ref, wish.owner, message)
            await self._in_thread(
                self._servers.note_failure, owner=wish.owner, name=wish.ref, message=message
            )

    async def _is_ready(self, wish: Wish, token: str) -> bool:
        ready = await self._hub.is_ready(token=token, user=wish.owner, name=wish.ref)
        if ready is None:
            raise Unavailable("Its process ended while it started.")
        return ready
