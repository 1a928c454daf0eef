"""Imports and mirrors go on beside everything else: a few at a time, each in a thread of its own."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, suppress

from gavip_hub.exceptions import NoRoom
from gavip_hub.services.imports import ImportService
from gavip_hub.services.mirrors import MirrorService
from gavip_hub.storage.git_outside import Stopped
from gavip_hub.threads import Threads

MOST_AT_ONCE = 3

log = logging.getLogger(__name__)


class OutsideWork:
    """Begins what waits, and leaves what goes on alone.

    Parameters
    ----------
    threads
        For what is short; `long_threads` for git, which may take half an hour.
    turn
        Gives a repository while nobody pushes to it.
    """

    def __init__(
        self,
        *,
        imports: ImportService,
        mirrors: MirrorService,
        threads: Threads,
        long_threads: Threads,
        turn: Callable[[str], AbstractAsyncContextManager[None]],
    ) -> None:
        self._imports = imports
        self._mirrors = mirrors
        self._threads = threads
        self._long_threads = long_threads
        self._turn = turn
        self._going: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._mirroring: dict[str, str] = {}
        """Project -> for whom it is pushed on now; one at a time each."""
        self._is_first = True

    async def look(self) -> None:
        """Begin what waits, as far as there is room."""
        if self._is_first:
            await self._threads(self._imports.break_off)
            self._is_first = False
        for avi in await self._threads(self._imports.waiting):
            self._begin("import", avi)
        for avi, person in await self._threads(self._mirrors.due):
            if person not in self._mirroring.values():  # slow places of one person keep nobody else waiting
                self._begin("mirror", avi, person)

    def _begin(self, kind: str, avi: str, person: str | None = None) -> None:
        if (kind, avi) in self._going or len(self._going) >= MOST_AT_ONCE:
            return
        if person is not None:
            self._mirroring[avi] = person
        self._going[kind, avi] = asyncio.create_task(self._act(kind, avi))

    async def _act(self, kind: str, avi: str) -> None:
        try:
            await (self._import(avi) if kind == "import" else self._long_threads(self._mirrors.push, avi))
        except Stopped:
            log.info("The %s of %s broke off: the platform ends", kind, avi)
        except Exception:
            log.exception("The %s of %s failed", kind, avi)
        finally:
            del self._going[kind, avi]
            if kind == "mirror":
                self._mirroring.pop(avi, None)

    async def _import(self, avi: str) -> None:
        fetched = await self._long_threads(self._imports.fetch, avi)
        while fetched is not None:
            with suppress(NoRoom):  # somebody pushes for long
                async with self._turn(avi):
                    await self._threads(self._imports.take_over, avi, fetched)
                    await self._threads(self._mirrors.want, avi)
                    fetched = None
