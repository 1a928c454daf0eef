"""Pages of the asker's own files: what lies in a folder of the user-space, and a way to keep a file."""

import os
from datetime import UTC, datetime
from typing import Any, BinaryIO
from urllib.parse import urlencode

from typing_extensions import override

from gavip_hub.handlers.contents import Shown, look, show_content
from gavip_hub.handlers.data import READ
from gavip_hub.handlers.downloads import Sent, send_file
from gavip_hub.handlers.notebook_page import CONTENT_CSP, NotebookPages
from gavip_hub.handlers.page_base import ROOT, PortalPage
from gavip_hub.hub.access import WEBDAV_MOUNT
from gavip_hub.handlers.previews import Place
from gavip_hub.storage.userfiles import found_of

LONGEST_PATH = 4096
_BYTES = "application/octet-stream"


class FilePage(PortalPage):
    """Any page of one's own files; which one is meant stands behind the question mark, since names may be anything."""

    nav = "servers"
    scope = READ

    @property
    def asked(self) -> str:
        """What is asked for, from the top of the space; the service refuses what is no path."""
        return self.get_query_argument("path", "", strip=False)[:LONGEST_PATH]

    @property
    def name(self) -> str:
        """Name of the file that is asked for."""
        return self.asked.rstrip("/").rpartition("/")[2]

    async def opened(self) -> BinaryIO:
        """Open the file that is asked for; the caller closes it."""
        return await self.context.file_threads(self.services.files.open, owner=self.owner, path=self.asked)

    def shown(self, file: BinaryIO, status: os.stat_result) -> Shown:
        """Return it as what is shown; its kind is told by its name alone."""
        etag = found_of(self.name, status).etag
        return Shown(file=file, name=self.name, media_type="", size=status.st_size, etag=etag)


class FilesPage(FilePage):
    """What lies in a folder."""

    @override
    async def get(self) -> None:
        with self.context.reads.one(self.require(READ)):
            folder = await self.context.file_threads(
                self.services.files.folder, owner=self.owner, path=self.asked
            )
        config = self.context.config
        webdav = f"{config.public_url}{WEBDAV_MOUNT}/" if config.webdav else ""
        self.render_page("files.html", folder=folder, above=_above(folder.path), webdav=webdav)


class FileDownload(FilePage):
    """A file, to be kept: an attachment, whatever it holds."""

    is_stream = True

    @override
    async def get(self) -> None:
        path = self.asked
        with self.context.reads.one(self.require(READ)):
            opened = await self.context.file_threads(self.services.files.open, owner=self.owner, path=path)
            with opened as file:
                name = path.rstrip("/").rpartition("/")[2]
                etag = found_of(name, os.fstat(file.fileno())).etag
                await send_file(self, Sent(file=file, name=name, media_type=_BYTES, etag=etag, lasts=False))


class FileView(FilePage):
    """A file, as far as it can be shown: a page of it, how it is read, and its header."""

    @override
    async def get(self) -> None:
        with self.context.reads.one(self.require(READ)), await self.opened() as file:
            status = os.fstat(file.fileno())
            seen = await look(self, self.shown(file, status))
        path = self.asked.strip("/")
        self.render_page(
            "file_view.html",
            file=path,
            name=self.name,
            above=_above(path),
            modified_at=datetime.fromtimestamp(status.st_mtime, UTC),
            place=_place(path, self.name, status.st_size),
            **seen,
        )


class FileContent(FilePage):
    """An image or a rendered notebook of one's own, for a frame or an image of the portal's pages."""

    is_stream = True
    policy = CONTENT_CSP

    @override
    def initialize(self, *, notebooks: NotebookPages) -> None:
        self._notebooks = notebooks

    @override
    async def get(self) -> None:
        with self.context.reads.one(self.require(READ)), await self.opened() as file:
            shown = self.shown(file, os.fstat(file.fileno()))
            await show_content(self, shown, self._notebooks, lasts=False)


def _place(path: str, name: str, size: int) -> Place:
    return Place(
        page=f"{ROOT}files/view",
        content=f"{ROOT}files/view/content",
        download=f"{ROOT}files/content?{urlencode({'path': path})}",
        title=name,
        size=size,
        given={"path": path},
    )


def _above(path: str) -> list[tuple[str, str]]:
    """Return the folders on the way to one: name and path of each."""
    parts = path.split("/") if path else []
    return [(part, "/".join(parts[: place + 1])) for place, part in enumerate(parts)]


def file_routes(notebooks: NotebookPages) -> list[tuple[str, type[Any], dict[str, Any]]]:
    """Return the addresses of these pages."""
    return [
        (f"{ROOT}files", FilesPage, {}),
        (f"{ROOT}files/content", FileDownload, {}),
        (f"{ROOT}files/view", FileView, {}),
        (f"{ROOT}files/view/content", FileContent, {"notebooks": notebooks}),
    ]
