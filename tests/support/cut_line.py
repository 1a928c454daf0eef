"""A line to a server that breaks after so many bytes, as lines do."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field


@dataclass
class CutLine:
    """Each new connection takes the next cut: bytes in either direction after which it is gone; then it holds."""

    port: int
    cuts: list[int] = field(default_factory=list)
    url: str = ""
    ends: list[asyncio.StreamWriter] = field(default_factory=list)
    carried: set["asyncio.Task[None]"] = field(default_factory=set)

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.carried.add(asyncio.current_task())
        left = [self.cuts.pop(0) if self.cuts else 1 << 60]
        there, back = await asyncio.open_connection("127.0.0.1", self.port)
        self.ends += [writer, back]
        ways = [asyncio.create_task(_pass(*way, left)) for way in ((reader, back), (there, writer))]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        for end in (writer, back):
            end.transport.abort()

    async def end(self) -> None:
        """Cut what is still there, and wait until it is gone."""
        for end in self.ends:
            end.transport.abort()
        await asyncio.gather(*self.carried)


async def _pass(source: asyncio.StreamReader, target: asyncio.StreamWriter, left: list[int]) -> None:
    with suppress(ConnectionError):
        while piece := await source.read(65_536):
            target.write(piece[: left[0]])
            await target.drain()
            left[0] -= len(piece)
            if left[0] <= 0:
                return


@asynccontextmanager
async def cut_line(url: str) -> AsyncIterator[CutLine]:
    """Lay a line to a server on loopback."""
    line = CutLine(port=int(url.rpartition(":")[2]))
    server = await asyncio.start_server(line.carry, "127.0.0.1", 0)
    line.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield line
    finally:
        server.close()
        await line.end()
