"""Send files that strangers made: as attachments, piece by piece, with ranges."""

import os
import re
from http import HTTPStatus
from typing import BinaryIO
from urllib.parse import quote

from avi_kernel.protocol.runs import ResultEntry
from gavip_hub.handlers.base import BaseHandler

PIECE = 256 * 1024
FILE_POLICY = "default-src 'none'; sandbox"
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


async def send_file(handler: BaseHandler, entry: ResultEntry, file: BinaryIO) -> None:
    """Finish with a file; what it holds can neither be taken for something else nor run as a page of ours."""
    size = os.fstat(file.fileno()).st_size
    handler.set_header("Content-Type", entry.media_type)
    handler.set_header("Content-Disposition", f"attachment; filename*=UTF-8''{quote(entry.name)}")
    handler.set_header("Content-Security-Policy", FILE_POLICY)
    handler.set_header("Accept-Ranges", "bytes")
    handler.set_header("Etag", f'"{entry.sha256}"')
    if handler.check_etag_header():
        handler.set_status(HTTPStatus.NOT_MODIFIED)
        await handler.finish()
        return
    span = _span(handler.request.headers.get("Range", ""), size)
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
    await _send(handler, file, start, end)


async def _send(handler: BaseHandler, file: BinaryIO, start: int, end: int) -> None:
    await handler.context.file_threads(file.seek, start)
    left = end - start
    while left > 0:
        piece = await handler.context.file_threads(file.read, min(PIECE, left))
        if not piece:
            break
        left -= len(piece)
        handler.write(piece)
        # Waits until the reader took it: a slow reader holds one piece in memory, not the file.
        await handler.flush()
    await handler.finish()


def _span(header: str, size: int) -> tuple[int, int] | None:
    """Return start and end of the one range that was asked for; the whole file where none was.

    Several ranges at once, or a header that is none, count as no range, as the standard allows; None: out of bounds.
    """
    found = _RANGE.fullmatch(header.strip())
    if found is None or found.groups() == ("", ""):
        return 0, size
    first, last = found.groups()
    if not first:
        return (max(0, size - int(last)), size) if int(last) else None
    start, end = int(first), min(int(last) + 1 if last else size, size)
    return (start, end) if start < end else None
