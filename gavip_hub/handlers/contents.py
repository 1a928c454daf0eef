"""Files that strangers made, on pages of the portal: the beginning as text or table, images and notebooks in a frame."""

import io
from html import escape
from typing import BinaryIO

from avi_kernel.protocol.runs import ResultEntry
from gavip_hub import __version__
from gavip_hub.exceptions import NotFound
from gavip_hub.handlers.base import BaseHandler
from gavip_hub.handlers.downloads import Sent, send_file, unchanged
from gavip_hub.handlers.notebook_page import NotebookPages
from gavip_hub.handlers.previews import (
    CONTENT_BYTES,
    HEAD_BYTES,
    TEXT_BYTES,
    Preview,
    preview_of,
    read_table,
    read_text,
)
from gavip_hub.handlers.tables import Table, Unreadable


def beginning_of(preview: Preview, entry: ResultEntry, file: BinaryIO) -> dict[str, Table | str | None]:
    """Return the first part of a file, or what is wrong with it."""
    shown: dict[str, Table | str | None] = {"table": None, "text": None, "problem": ""}
    try:
        if preview == "table":
            shown["table"] = read_table(entry, file.read(HEAD_BYTES))
        elif preview == "text":
            shown["text"] = read_text(file.read(TEXT_BYTES + 1))
    except Unreadable as error:
        shown["problem"] = str(error)
    return shown


async def show_content(
    handler: BaseHandler, entry: ResultEntry, file: BinaryIO, notebooks: NotebookPages, *, lasts: bool = True
) -> None:
    """Finish with an image or a rendered notebook, which has no script, no origin and no address but itself.

    Parameters
    ----------
    lasts
        Whether its address never leads to anything else.
    """
    kind = preview_of(entry)
    if kind not in {"image", "notebook"} or entry.size > CONTENT_BYTES:
        raise NotFound(f"The portal does not show {entry.name!r}; download it.")
    if kind == "image":
        kept = {"name": entry.name, "media_type": entry.media_type, "etag": entry.sha256}
        await send_file(handler, Sent(file=file, **kept, inline=True, lasts=lasts))
        return
    # A page changes with the program that makes it, too.
    etag = f"{entry.sha256}-{__version__}"
    if not await unchanged(handler, etag):
        page = io.BytesIO(await _page(handler, entry, file, notebooks))
        kept = {"name": entry.name, "media_type": "text/html; charset=utf-8", "etag": etag}
        await send_file(handler, Sent(file=page, **kept, inline=True, lasts=lasts))


async def _page(handler: BaseHandler, entry: ResultEntry, file: BinaryIO, notebooks: NotebookPages) -> bytes:
    async def read() -> bytes:
        return await handler.context.file_threads(file.read, CONTENT_BYTES)

    try:
        return await notebooks.page(entry.sha256, read)
    except Unreadable as error:
        return f"<!doctype html><title>No preview</title><p>{escape(str(error))}</p>".encode()
