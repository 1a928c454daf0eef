"""Pages of the asker's own files: what lies in a folder of the user-space, and a way to keep a file."""

import os
from typing import Any

from typing_extensions import override

from gavip_hub.handlers.data import READ
from gavip_hub.handlers.downloads import Sent, send_file
from gavip_hub.handlers.page_base import ROOT, PortalPage
from gavip_hub.hub.access import WEBDAV_MOUNT
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


def _above(path: str) -> list[tuple[str, str]]:
    """Return the folders on the way to one: name and path of each."""
    parts = path.split("/") if path else []
    return [(part, "/".join(parts[: place + 1])) for place, part in enumerate(parts)]


ROUTES: list[tuple[str, type[Any], dict[str, Any]]] = [
    (f"{ROOT}files", FilesPage, {}),
    (f"{ROOT}files/content", FileDownload, {}),
]
