"""Answers on the listening sockets of one box, a bounded number of connections at once."""

import asyncio
import json
import logging
import os
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from http import HTTPStatus

from avi_kernel.box.heads import LARGEST_HEAD, BadRequest, pump

MOST_CONNECTIONS = 128

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def serve(
    listening: socket.socket, handler: Handler, *, most: int = MOST_CONNECTIONS
) -> asyncio.Server:
    """Give each connection to the handler; one that fails is closed and harms no other.

    Parameters
    ----------
    most
        Connections at once; whoever comes then is turned away.
    """
    held = 0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal held
        if held >= most:  # who waited here would hold a descriptor all the same
            return writer.transport.abort()
        held += 1
        try:
            await handler(reader, writer)
        except BadRequest as error:
            await refuse(writer, error.status, str(error))
        except (OSError, EOFError, TimeoutError, asyncio.LimitOverrunError):
            pass  # a side went away, which is its right
        except asyncio.CancelledError:
            pass  # as below
        except Exception:  # a stranger found words that nobody thought of: told once, and answered
            logging.getLogger(__name__).exception("a connection failed")
            await refuse(writer, HTTPStatus.BAD_REQUEST, "this request cannot be understood")
        finally:
            held -= 1
            # The box has ended; asyncio would report each open connection as an error.
            with suppress(asyncio.CancelledError):
                await close(writer)

    listening.setblocking(False)
    if listening.family == socket.AF_UNIX:
        return await asyncio.start_unix_server(answer, sock=listening, limit=LARGEST_HEAD)
    return await asyncio.start_server(answer, sock=listening, limit=LARGEST_HEAD)


def listen_privately(path: str) -> socket.socket:
    """Listen on a new UNIX socket that only this process's own user can connect to."""
    listening = socket.socket(socket.AF_UNIX)
    before = os.umask(0o177)
    try:
        listening.bind(path)
    finally:
        os.umask(before)
    listening.listen(128)
    return listening


async def refuse(writer: asyncio.StreamWriter, status: int, message: str) -> None:
    """Answer with an error, in the form of the platform's `ErrorBody`."""
    phrase = HTTPStatus(status).phrase
    body = json.dumps({"error": phrase.lower().replace(" ", "_"), "message": message}).encode()
    head = f"HTTP/1.1 {status} {phrase}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    writer.write(head.encode() + b"Connection: close\r\n\r\n" + body)
    with suppress(OSError):
        await writer.drain()


async def readable(file: int | socket.socket) -> None:
    """Wait until a pipe or socket has something to read, or has ended."""
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(file, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(file)


async def close(writer: asyncio.StreamWriter) -> None:
    """Close a connection, whatever state it is in."""
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


async def join(
    near: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    far: tuple[asyncio.StreamReader, asyncio.StreamWriter],
) -> tuple[int, int]:
    """Copy both ways until both sides have ended; return the bytes sent to `far` and those that came back."""

    async def one_way(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> int:
        total = await pump(reader, writer)
        with suppress(OSError):
            writer.write_eof()
        return total

    sent, received = await asyncio.gather(one_way(near[0], far[1]), one_way(far[0], near[1]))
    return sent, received
