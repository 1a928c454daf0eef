"""Files that strangers made, on pages of the portal: a page of what they hold, images and notebooks in a frame."""

import io
from dataclasses import dataclass
from html import escape
from typing import Any, BinaryIO

from typing_extensions import override

from avi_kernel.protocol.previews import PreviewAsk, PreviewView
from avi_kernel.protocol.runs import ResultEntry
from gavip_hub import __version__
from gavip_hub.domain.previews import kind_of
from gavip_hub.exceptions import NotFound
from gavip_hub.handlers.base import PageHandler
from gavip_hub.handlers.downloads import Sent, send_file, unchanged
from gavip_hub.handlers.notebook_page import CONTENT_CSP, NotebookPages, Unreadable
from gavip_hub.handlers.page_base import PortalPage
from gavip_hub.handlers.previews import AS_PICTURE, CONTENT_BYTES, asked_of

_PNG = "image/png"
_SHOWN_AS_THEY_ARE = {"image", "svg", "notebook"}


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A file that is shown: what is known of it, and its content."""

    file: BinaryIO
    name: str
    media_type: str
    size: int
    etag: str
    """Changes with the content."""

    @classmethod
    def result(cls, entry: ResultEntry, file: BinaryIO) -> "Shown":
        """Return a result, or what is told of another file as of one."""
        return cls(
            file=file, name=entry.name, media_type=entry.media_type, size=entry.size, etag=entry.sha256
        )


class Document(PageHandler):
    """An image or a rendered notebook, for a frame or an image of the portal's pages: a stranger's document.

    Whatever it is, it has no script, no origin and no address but itself.
    """

    is_stream = True
    policy = CONTENT_CSP

    @override
    def initialize(self, *, notebooks: NotebookPages) -> None:
        self._notebooks = notebooks

    async def show_content(self, shown: Shown, *, lasts: bool = True) -> None:
        """Finish with it.

        Parameters
        ----------
        lasts
            Whether its address never leads to anything else.
        """
        await _send_content(self, shown, self._notebooks, lasts=lasts)


class ContentPage(Document, PortalPage):
    """The same for people who have signed in, and no interface's token."""


async def look(handler: PageHandler, shown: Shown, ask: PreviewAsk | None = None) -> dict[str, Any]:
    """Return what the template of previews takes: the page that is asked for, and how it was asked for."""
    asked = ask or asked_of(handler)
    view: PreviewView = await handler.services.previews.of(
        shown.file,
        asker=handler.asker,
        name=shown.name,
        media_type=shown.media_type,
        etag=shown.etag,
        ask=asked,
    )
    return {"view": view, "ask": asked}


async def _send_content(handler: PageHandler, shown: Shown, notebooks: NotebookPages, *, lasts: bool) -> None:
    kind = kind_of(shown.name, shown.media_type)
    if kind == "fits" or handler.get_query_argument(AS_PICTURE, "") == "picture":
        await _send_picture(handler, shown, lasts=lasts)
    elif kind not in _SHOWN_AS_THEY_ARE or shown.size > CONTENT_BYTES:
        raise NotFound(f"The portal does not show {shown.name!r}; download it.")
    elif kind == "notebook":
        await _send_notebook(handler, shown, notebooks, lasts=lasts)
    else:
        media_type = _media_type(kind, shown)
        kept = {"name": shown.name, "media_type": media_type, "etag": shown.etag}
        await send_file(handler, Sent(file=shown.file, **kept, inline=True, lasts=lasts))


def _media_type(kind: str, shown: Shown) -> str:
    """Return as what an image is sent: a file of one's space has a name alone, and its ending must do."""
    if shown.media_type.startswith("image/"):
        return shown.media_type
    ending = shown.name.lower().rpartition(".")[2]
    return "image/svg+xml" if kind == "svg" else f"image/{'jpeg' if ending == 'jpg' else ending}"


async def _send_picture(handler: PageHandler, shown: Shown, *, lasts: bool) -> None:
    ask = asked_of(handler)
    # A picture changes with the program that makes it, too; which one of the file's it is says the address.
    etag = f"{shown.etag}-{__version__}-picture"
    if await unchanged(handler, etag):
        return
    png = await handler.services.previews.picture(
        shown.file,
        asker=handler.asker,
        name=shown.name,
        media_type=shown.media_type,
        etag=shown.etag,
        ask=ask,
    )
    kept = {"name": shown.name, "media_type": _PNG, "etag": etag}
    await send_file(handler, Sent(file=io.BytesIO(png), **kept, inline=True, lasts=lasts))


async def _send_notebook(
    handler: PageHandler, shown: Shown, notebooks: NotebookPages, *, lasts: bool
) -> None:
    # A page changes with the program that makes it, too.
    etag = f"{shown.etag}-{__version__}"
    if not await unchanged(handler, etag):
        page = io.BytesIO(await _page(handler, shown, notebooks))
        kept = {"name": shown.name, "media_type": "text/html; charset=utf-8", "etag": etag}
        await send_file(handler, Sent(file=page, **kept, inline=True, lasts=lasts))


async def _page(handler: PageHandler, shown: Shown, notebooks: NotebookPages) -> bytes:
    async def read() -> bytes:
        return await handler.context.file_threads(shown.file.read, CONTENT_BYTES)

    try:
        return await notebooks.page(shown.etag, read)
    except Unreadable as error:
        return f"<!doctype html><title>No preview</title><p>{escape(str(error))}</p>".encode()
