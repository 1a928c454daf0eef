"""Both ends of plain connections, for what listens on sockets."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from avi_kernel.box.serving import serve

BOUND = 10.0

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Upstream:
    """A server that keeps each connection's bytes and answers once it has seen what it waits for."""

    def __init__(self, *, answer: bytes, after: bytes = b"\r\n\r\n") -> None:
        self.connections: list[bytes] = []
        self.heard = asyncio.Event()
        self._answer, self._after = answer, after

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = len(self.connections)
        self.connections.append(b"")
        answered = False
        try:
            while data := await reader.read(65536):
                self.connections[number] += data
                if not answered and self._after in self.connections[number]:
                    answered = True
                    self.heard.set()
                    writer.write(self._answer)
                    await writer.drain()
                    if b"Connection: close" in self._answer:
                        break
        except ConnectionError:
            pass
        finally:
            writer.close()


@asynccontextmanager
async def listening(handler: Handler, *, host: str = "127.0.0.1") -> AsyncIterator[int]:
    """Serve on a free port; give the port."""
    server = await asyncio.start_server(handler, host, 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


@asynccontextmanager
async def guarded(handler: Handler) -> AsyncIterator[int]:
    """Serve as the shim does; give the port."""
    server = await serve(socket.create_server(("127.0.0.1", 0)), handler)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def ask(port: int, request: bytes) -> bytes:
    """Send bytes and return all that comes back until the other side closes."""
    async with asyncio.timeout(BOUND):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request)
        answer = await reader.read()
        writer.close()
        return answer


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def body_of(answer: bytes) -> dict:
    return json.loads(answer.partition(b"\r\n\r\n")[2])


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]
