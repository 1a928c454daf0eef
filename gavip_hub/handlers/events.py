"""One stream of server-sent events a person, resumed from the database."""

import asyncio
import json
import re
import time
from collections.abc import Sequence
from contextlib import suppress

from tornado.iostream import StreamClosedError
from typing_extensions import override

from avi_kernel.protocol.api import EventView, Profile
from gavip_hub.exceptions import BadRequest, DatabaseAway, NoRoom, NotFound
from gavip_hub.handlers.jobs import READ, EventQuery
from gavip_hub.handlers.operations import ApiHandler, operation

PING_SECONDS = 15.0
LONGEST_STREAM = 600.0
"""Seconds after which a stream ends: its reader comes again, and must still be signed in then."""
RETRY_MS = 1000
_NUMBER = re.compile(r"[0-9]{1,18}")


class Events(ApiHandler):
    """Everything that happens to the asker's jobs and servers."""

    is_stream = True
    path = "/events"
    _reader_left = False
    _spoke_at = 0.0

    @override
    @operation(
        id="events.stream",
        summary="Follow everything that happens to your jobs and servers",
        scope=READ,
        query=EventQuery,
        media_type="text/event-stream",
        errors=(NoRoom,),
    )
    async def get(self, query: EventQuery) -> None:
        """Send events as they happen, after `Last-Event-ID` where that is given."""
        profile = self.require()
        with self.context.streams.one(profile):
            await self._follow(profile, await self._start(profile, query))

    async def _follow(self, profile: Profile, last: int) -> None:
        self.set_header("Content-Type", "text/event-stream; charset=utf-8")
        self.set_header("Cache-Control", "no-store")
        self.set_header("X-Accel-Buffering", "no")
        try:
            async with asyncio.timeout(LONGEST_STREAM):
                await self._stream(profile, last)
        except (StreamClosedError, TimeoutError):
            return

    async def _start(self, profile: Profile, query: EventQuery) -> int:
        given = self.request.headers.get("Last-Event-ID") or (str(query.after) if query.after else "")
        if not given:
            newest: int = await self.in_thread(self.services.events.newest, owner=profile.name)
            return newest
        if not _NUMBER.fullmatch(given):
            raise BadRequest("Last-Event-ID is the number of an event.")
        return int(given)

    async def _stream(self, profile: Profile, last: int) -> None:
        await self._say(f"retry: {RETRY_MS}\nid: {last}\n\n")
        filtered = _OwnAvi(self, profile)
        with self.context.feed.listen(profile.name) as bell:
            while not self._reader_left:
                # Cleared before looking: what is committed after the look rings again.
                bell.clear()
                found = await self._since(profile, last)
                if found:
                    last = found[-1].id
                    await self._send(await filtered.of(found))
                else:
                    await self._wait(bell)

    async def _since(self, profile: Profile, last: int) -> list[EventView]:
        """Return what happened since; nothing while the database is away, as a stream waits for it."""
        try:
            found: list[EventView] = await self.in_thread(
                self.services.events.events_since, owner=profile.name, after=last
            )
        except DatabaseAway:
            return []
        return found

    async def _send(self, found: Sequence[EventView]) -> None:
        lines = (
            f"id: {event.id}\nevent: {event.kind}\ndata: {json.dumps(event.model_dump(mode='json'))}\n\n"
            for event in found
        )
        await self._say("".join(lines))

    async def _wait(self, bell: asyncio.Event) -> None:
        """Wait for the bell; where nothing was said for long, give a sign of life, however often the bell rang meanwhile."""
        left = self._spoke_at + PING_SECONDS - time.monotonic()
        with suppress(TimeoutError):
            await asyncio.wait_for(bell.wait(), max(0.0, left))
        if time.monotonic() >= self._spoke_at + PING_SECONDS:
            # Keeps proxies from closing the stream, and finds out whether the reader is still there.
            await self._say(": ping\n\n")

    async def _say(self, text: str) -> None:
        self.write(text)
        await self.flush()
        self._spoke_at = time.monotonic()

    @override
    def on_connection_close(self) -> None:
        self._reader_left = True
        if self.current_profile is not None:
            self.context.feed.ring(frozenset({self.current_profile.name}))


class _OwnAvi:
    """Lets an interface see its own AVI's jobs only."""

    def __init__(self, handler: ApiHandler, profile: Profile) -> None:
        self._handler = handler
        self._profile = profile
        self._known: dict[str, bool] = {}

    async def of(self, found: Sequence[EventView]) -> Sequence[EventView]:
        if self._profile.avi is None:
            return found
        return [event for event in found if await self._is_own(event)]

    async def _is_own(self, event: EventView) -> bool:
        if not event.kind.startswith("job."):
            return event.subject == self._profile.avi
        if event.subject not in self._known:
            self._known[event.subject] = await self._look(event.subject)
        return self._known[event.subject]

    async def _look(self, job: str) -> bool:
        try:
            await self._handler.in_thread(
                self._handler.services.jobs.get,
                owner=self._profile.name,
                job=job,
                avi=self._profile.avi,
            )
        except NotFound:
            return False
        return True


HANDLERS: tuple[type[ApiHandler], ...] = (Events,)
