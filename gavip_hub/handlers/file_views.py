"""A file of one's own, looked at in the browser: as far as it can be shown, a page at a time."""

import os
from datetime import UTC, datetime
from typing import Any, BinaryIO
from urllib.parse import urlencode

from typing_extensions import override

from gavip_hub.handlers.contents import ContentPage, Shown, look
from gavip_hub.handlers.data import READ
from gavip_hub.handlers.file_pages import FilePage, above
from gavip_hub.handlers.notebook_page import NotebookPages
from gavip_hub.handlers.page_base import ROOT
from gavip_hub.handlers.previews import Place
from gavip_hub.storage.userfiles import found_of


class ShownPage(FilePage):
    """Any page that shows what a file holds."""

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


class FileView(ShownPage):
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
            above=above(path),
            modified_at=datetime.fromtimestamp(status.st_mtime, UTC),
            place=_place(path, self.name, status.st_size),
            **seen,
        )


class FileContent(ContentPage, ShownPage):
    """A file of one's own that is shown as it is."""

    @override
    async def get(self) -> None:
        with self.context.reads.one(self.require(READ)), await self.opened() as file:
            shown = self.shown(file, os.fstat(file.fileno()))
            await self.show_content(shown, lasts=False)


def _place(path: str, name: str, size: int) -> Place:
    return Place(
        page=f"{ROOT}files/view",
        content=f"{ROOT}files/view/content",
        download=f"{ROOT}files/content?{urlencode({'path': path})}",
        title=name,
        size=size,
        given={"path": path},
    )


def view_routes(notebooks: NotebookPages) -> list[tuple[str, type[Any], dict[str, Any]]]:
    """Return the addresses of these pages."""
    return [
        (f"{ROOT}files/view", FileView, {}),
        (f"{ROOT}files/view/content", FileContent, {"notebooks": notebooks}),
    ]
