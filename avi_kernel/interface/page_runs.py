"""A page being made: its kernel, and its HTML as it comes. The first one is begun before its reader has come."""

import asyncio
import logging
import uuid
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, suppress
from typing import Any, Self

from nbformat import NotebookNode

from avi_kernel.interface.kernels import InterfaceKernels
from avi_kernel.interface.rendering import Renderer, Started

LOOKS_ALIVE = "<!-- still running -->\n"
FRESH = 60.0
"""Seconds for which a page waits for its reader: what it shows was true when its cells ran."""

log = logging.getLogger(__name__)


class PageRun:
    """One page on its way.

    Parameters
    ----------
    kernel
        The page's own, which may still be starting.
    pieces
        The HTML.
    """

    def __init__(
        self,
        *,
        kernel: "asyncio.Future[Started]",
        pieces: AsyncGenerator[str, None],
        kernels: InterfaceKernels,
    ) -> None:
        self.pieces: AsyncGenerator[str, None] = pieces
        self._kernel = kernel
        self._kernels = kernels

    @classmethod
    async def begin(cls, interface: Any, *, query: str, revision: str = "") -> Self:
        """Start a kernel for the page that was asked for with this query string, and the notebook in it."""
        renderer: Renderer = await interface.renderer()
        return cls.of(interface, renderer, renderer.load(), query=query, revision=revision)

    @classmethod
    def of(
        cls,
        interface: Any,
        renderer: Renderer,
        notebook: NotebookNode,
        *,
        query: str = "",
        revision: str = "",
    ) -> Self:
        """Start a kernel for this notebook, which is filled with what its cells put out."""
        kernels: InterfaceKernels = interface.kernel_manager
        name = notebook.metadata["kernelspec"]["name"]
        kernel = asyncio.ensure_future(_start(kernels, name, base_url=interface.base_url, query=query))
        pieces = renderer.pieces(
            notebook,
            kernel=kernel,
            page=interface.page(notebook.metadata, revision=revision),
            page_config=interface.page_config,
        )
        return cls(kernel=kernel, pieces=pieces, kernels=kernels)

    @property
    def lives(self) -> bool:
        """Whether its kernel is there, or is coming."""
        if not self._kernel.done():
            return True
        if self._kernel.exception() is not None:
            return False
        return self._kernel.result().kernel_id in self._kernels

    async def abandon(self) -> None:
        """End the kernel of a page that nobody waits for any more: no beacon will ever ask for it."""
        with suppress(Exception):  # it never started
            started = await self._kernel
            await self._kernels.shutdown_kernel(started.kernel_id, now=True)  # type: ignore[no-untyped-call]


async def _start(kernels: InterfaceKernels, name: str, *, base_url: str, query: str) -> Started:
    kernel_id = str(uuid.uuid4())
    env = {
        "VOILA_KERNEL_ID": kernel_id,
        "VOILA_BASE_URL": base_url,
        "QUERY_STRING": query,
        "SCRIPT_NAME": base_url,
    }
    await kernels.start_for_page(kernel_id=kernel_id, kernel_name=name, env=env)
    return Started(kernel_id=kernel_id, manager=kernels.get_kernel(kernel_id))


class FirstPage:
    """The page that a server begins as it starts, while the browser of whoever opened it is still signing in.

    It is given to the first who asks for the page as it is, once. Who asks for it with a query string, or too late, gets one of
    their own, and this one ends.
    """

    def __init__(self, interface: Any) -> None:
        self._interface = interface
        self._run: PageRun | None = None
        self._being_begun = asyncio.Lock()
        self._filling: asyncio.Task[None] | None = None
        self._came: asyncio.Queue[str | None] = asyncio.Queue()

    async def begin(self) -> None:
        """Begin it, and end it again if nobody comes for it."""
        async with self._being_begun:
            self._run = await PageRun.begin(self._interface, query="")
            self._filling = asyncio.create_task(self._fill(self._run.pieces))
        await asyncio.sleep(FRESH)
        if run := self._given_away():
            await self._end(run)

    async def take(self, *, query: str) -> PageRun | None:
        """Return it to the first that asks, if it is what they ask for; else it ends."""
        async with self._being_begun:
            run = self._given_away()
        if run is None:
            return None
        if query or not run.lives:
            await self._end(run)
            return None
        run.pieces = self._pieces()
        return run

    def _given_away(self) -> PageRun | None:
        run, self._run = self._run, None
        return run

    async def _end(self, run: PageRun) -> None:
        log.info("Nobody came for the page that was begun ahead; it ends.")
        await self._end_filling()
        await run.abandon()

    async def _fill(self, pieces: AsyncGenerator[str, None]) -> None:
        try:
            async with aclosing(pieces):
                async for piece in pieces:
                    self._came.put_nowait(piece)
        finally:
            self._came.put_nowait(None)

    async def _pieces(self) -> AsyncGenerator[str, None]:
        try:
            while (piece := await self._came.get()) is not None:
                yield piece
            if self._filling is not None:
                await self._filling  # what it failed of
        finally:
            await self._end_filling()

    async def _end_filling(self) -> None:
        if self._filling is not None:
            self._filling.cancel()
            await asyncio.wait({self._filling})


async def in_batches(pieces: AsyncIterator[str], *, keep_alive: float) -> AsyncIterator[str]:
    """Join what comes at once into one piece; when nothing comes for so long (s), give a sign of life."""
    batch = ""
    while True:
        coming = asyncio.ensure_future(anext(pieces, None))
        await asyncio.sleep(0)
        if not coming.done() and batch:
            yield batch
            batch = ""
        while not (await asyncio.wait({coming}, timeout=keep_alive))[0]:
            yield LOOKS_ALIVE
        piece = coming.result()
        if piece is None:
            break
        batch += piece
    if batch:
        yield batch
