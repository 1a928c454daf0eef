"""Send files that strangers made: piece by piece, with ranges, and so that they can be taken for nothing else."""

import asyncio
import logging
import re
from base64 import b64encode
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import BinaryIO
from urllib.parse import quote

from tornado.iostream import StreamClosedError

from gavip_hub.exceptions import NotFound
from gavip_hub.handlers.base import BaseHandler
from gavip_hub.handlers.notebook_page import CONTENT_CSP

log = logging.getLogger(__name__)
PIECE = 256 * 1024
PIECE_SECONDS = 120.0
"""Within which a reader must take a piece; one that pauses longer comes back with a range."""
FILE_POLICY = "default-src 'none'; sandbox"
_RANGE = re.compile(r"bytes=([0-9]*)-([0-9]*)")
_LOADED = re.compile(r"(java|ecma|j|live)script|text/css", re.IGNORECASE)
"""Types that a page may load from its own origin, as a script or a style: nothing that strangers made is sent as one."""
_DIGITS = 18
"""More than any size has; Python reads no number of thousands of them."""


@dataclass(frozen=True, kw_only=True)
class Sent:
    """What is sent, and how a browser is to take it."""

    file: BinaryIO
    name: str
    media_type: str
    etag: str
    """Changes with the content."""
    sha256: str = ""
    """Of the content, where it is known: told as `Repr-Digest` (RFC 9530), by which who has it whole makes sure."""
    inline: bool = False
    """Shown in a frame or an image of the portal's pages; else it is an attachment."""
    lasts: bool = True
    """Its address never leads to anything else, as that of a finished result."""


async def send_file(handler: BaseHandler, sent: Sent) -> None:
    """Finish with a file; what it holds can neither be taken for something else nor run as a page of ours."""
    size = sent.file.seek(0, 2)
    _describe(handler, sent)
    if await unchanged(handler, sent.etag):
        return
    span = _span(_range_of(handler, sent.etag), size)
    if span is None:
        handler.set_status(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
        handler.set_header("Content-Range", f"bytes */{size}")
        await handler.finish()
        return
    start, end = span
    if (start, end) != (0, size):
        handler.set_status(HTTPStatus.PARTIAL_CONTENT)
        handler.set_header("Content-Range", f"bytes {start}-{end - 1}/{size}")
    handler.set_header("Content-Length", end - start)
    if handler.request.method == "HEAD":
        await handler.flush()  # before the end, at which tornado would make a tag of nothing
        await handler.finish()
        return
    try:
        await _send(handler, sent.file, start, end)
    except StreamClosedError:
        return  # the reader went away
    except TimeoutError:
        handler.detach().close()


async def send_pieces(handler: BaseHandler, pieces: Iterator[bytes], *, name: str, media_type: str) -> None:
    """Finish with an attachment that is made while it is sent; whoever gets only a part of it sees that it broke off."""
    threads = handler.context.file_threads
    handler.set_header("Content-Type", media_type)
    handler.set_header("Content-Disposition", _attachment(name))
    handler.set_header("Content-Security-Policy", FILE_POLICY)
    try:
        while (piece := await threads(next, pieces, None)) is not None:
            handler.write(piece)
            async with asyncio.timeout(PIECE_SECONDS):
                await handler.flush()
        await handler.finish()
    except StreamClosedError:
        return  # the reader went away
    except (TimeoutError, OSError, NotFound) as error:
        log.warning("%s broke off: %s", name, error)
        handler.detach().close()
    finally:
        await threads(close_pieces, pieces)


def close_pieces(pieces: Iterator[bytes]) -> None:
    """Close what was opened for the next piece."""
    if isinstance(pieces, Generator):
        pieces.close()


async def unchanged(handler: BaseHandler, etag: str) -> bool:
    """Tell whether the reader has it already; then the answer is finished."""
    handler.set_header("Etag", f'"{etag}"')
    if not handler.check_etag_header():
        return False
    handler.set_status(HTTPStatus.NOT_MODIFIED)
    await handler.finish()
    return True


def _describe(handler: BaseHandler, sent: Sent) -> None:
    is_loaded = _LOADED.search(sent.media_type)
    handler.set_header("Content-Type", "application/octet-stream" if is_loaded else sent.media_type)
    handler.set_header("Accept-Ranges", "bytes")
    if sent.sha256:
        told = b64encode(bytes.fromhex(sent.sha256)).decode()
        handler.set_header("Repr-Digest", f"sha-256=:{told}:")
    if not sent.inline:
        handler.set_header("Content-Disposition", _attachment(sent.name))
        handler.set_header("Content-Security-Policy", FILE_POLICY)
        return
    # A sandboxed frame may not go to a page that isolates its opener: browsers refuse such a pair.
    handler.clear_header("Cross-Origin-Opener-Policy")
    # SVG is shown in an image, and is kept where somebody goes to it: as a page it could call other hosts, which no policy holds back.
    is_svg = "svg" in sent.media_type
    handler.set_header("Content-Disposition", _attachment(sent.name) if is_svg else "inline")
    handler.set_header("Content-Security-Policy", CONTENT_CSP)
    handler.set_header("X-DNS-Prefetch-Control", "off")
    if sent.lasts:  # it is still the user's own and no shared cache's
        handler.set_header("Cache-Control", "private, max-age=3600")


def _attachment(name: str) -> str:
    return f"attachment; filename*=UTF-8''{quote(name)}"


async def _send(handler: BaseHandler, file: BinaryIO, start: int, end: int) -> None:
    await handler.context.file_threads(file.seek, start)
    left = end - start
    while left > 0:
        piece = await handler.context.file_threads(file.read, min(PIECE, left))
        if not piece:
            break
        left -= len(piece)
        handler.write(piece)
        async with asyncio.timeout(PIECE_SECONDS):
            # Waits until the reader took it: a slow reader holds one piece in memory, not the file.
            await handler.flush()
    await handler.finish()


def _range_of(handler: BaseHandler, etag: str) -> str:
    """Return the range that is asked for; none where it is of another content than this."""
    headers = handler.request.headers
    return headers.get("Range", "") if headers.get("If-Range", f'"{etag}"') == f'"{etag}"' else ""


def _span(header: str, size: int) -> tuple[int, int] | None:
    """Return start and end of the one range that was asked for; the whole file where none was.

    Several ranges at once, or a header that is none, count as no range, as the standard allows; None: out of bounds.
    """
    found = _RANGE.fullmatch(header.strip())
    if found is None or found.groups() == ("", ""):
        return 0, size
    first, last = (number[:_DIGITS] for number in found.groups())
    if not first:
        return (max(0, size - int(last)), size) if int(last) else None
    start, end = int(first), min(int(last) + 1 if last else size, size)
    return (start, end) if start < end else None
