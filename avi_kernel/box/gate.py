"""The box's way to the platform's API: HTTP by path prefix to Hub and service, and to nothing else."""

import asyncio
import re
from collections.abc import Mapping
from contextlib import suppress
from urllib.parse import unquote_to_bytes, urlsplit

from avi_kernel.box.heads import LARGEST_HEAD, BadRequest, copy_body, pump, read_head
from avi_kernel.box.serving import close

PATIENCE = 5.0
"""Seconds for which a service that restarts is waited for."""
_BETWEEN_TRIES = 0.1
_HEAD_WITHIN = 60.0
_UNSAFE = re.compile(rb"[^\x21-\x7e]|//|\\|%|(^|/)\.\.?(/|$)")


class ApiGate:
    """Forwards the requests of one box.

    Parameters
    ----------
    upstreams
        Path prefix -> `http://host:port`.
    pages
        Single path -> `http://host:port`.
    patience
        Seconds within which a connection is made; a refused one is tried again.
    """

    def __init__(
        self,
        *,
        upstreams: Mapping[str, str],
        pages: Mapping[str, str] | None = None,
        patience: float = PATIENCE,
    ) -> None:
        self._pages = dict(pages or {})
        self._upstreams = dict(sorted(upstreams.items(), key=lambda item: len(item[0]), reverse=True))
        self._patience = patience

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Forward one request and its answer.

        Raises
        ------
        BadRequest
            It is malformed, leads elsewhere, or the platform does not answer.
        """
        async with asyncio.timeout(_HEAD_WITHIN):
            head = await read_head(reader)
        if head is None:
            return
        host, port = self._upstream(head.target)
        length = head.length
        far_reader, far_writer = await self._connect(host, port)
        try:
            far_writer.write(head.passed_on(host=f"{host}:{port}", target=head.target))
            await _exchange(reader, writer, far_reader, far_writer, length)
        finally:
            await close(far_writer)

    def _upstream(self, target: str) -> tuple[str, int]:
        path = plain_path(target)
        below = (
            to for prefix, to in self._upstreams.items() if f"{path}/".startswith(f"{prefix.rstrip('/')}/")
        )
        address = self._pages.get(path.rstrip("/")) or next(below, None)
        if address is None:
            raise BadRequest(403, "this path of the platform is not open to AVIs")
        parts = urlsplit(address)
        return parts.hostname or "127.0.0.1", parts.port or 80

    async def _connect(self, host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect, waiting out a restart; a look-up or a connection that hangs counts as none."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._patience
        while True:
            try:
                async with asyncio.timeout_at(deadline):
                    return await asyncio.open_connection(host, port, limit=LARGEST_HEAD)
            except OSError:
                if loop.time() >= deadline:
                    raise BadRequest(
                        503, "this part of the platform does not answer; try again in a minute"
                    ) from None
            await asyncio.sleep(_BETWEEN_TRIES)


def plain_path(target: str) -> str:
    """Return the path that every server behind the gate will read, or refuse.

    Raises
    ------
    BadRequest
        Two servers could read it differently.
    """
    raw = target.partition("?")[0].encode("latin-1")
    if not raw.startswith(b"/") or b"#" in raw:
        raise BadRequest(400, "the path must begin with / and be one of this server's")
    decoded = unquote_to_bytes(raw)
    if decoded.count(b"/") != raw.count(b"/") or _UNSAFE.search(decoded.replace(b" ", b"_")):
        raise BadRequest(400, "the path holds a part that could be read in two ways")
    return decoded.decode("latin-1")


async def _exchange(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    far_reader: asyncio.StreamReader,
    far_writer: asyncio.StreamWriter,
    length: int | None,
) -> None:
    """Send the body while the answer comes; end with the answer, or when the asker has gone."""

    async def ask() -> None:
        # A server that answers before it has read everything may close its side.
        with suppress(ConnectionError):
            await copy_body(reader, far_writer, length)
        while await reader.read(LARGEST_HEAD):
            pass  # what follows a request on the same connection is never passed on

    asking = asyncio.ensure_future(ask())
    answering = asyncio.ensure_future(pump(far_reader, writer))
    try:
        await asyncio.wait({asking, answering}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (asking, answering):
            task.cancel()
        outcomes = await asyncio.gather(asking, answering, return_exceptions=True)
    if isinstance(outcomes[0], BadRequest):
        raise outcomes[0]
