"""Pages of the asker's own files: what lies in a folder of the user-space, what was deleted, and ways to keep a file."""

import os
from dataclasses import dataclass
from typing import Any

from typing_extensions import override

from avi_kernel.protocol.files import FolderView, UnfinishedView
from gavip_hub.domain.userpaths import is_platforms
from gavip_hub.exceptions import BadParameter
from gavip_hub.handlers.data import READ, WRITE
from gavip_hub.handlers.downloads import Sent, send_file, send_pieces
from gavip_hub.handlers.page_base import ROOT, PortalPage
from gavip_hub.hub.access import WEBDAV_MOUNT
from gavip_hub.storage.userfiles import Order, found_of

LONGEST_PATH = 4096
ON_A_PAGE = 100
MOST_FOLDERS = 500
"""Among which a place is chosen."""
_BYTES = "application/octet-stream"
_MOST_DIGITS = 6
SAID = {
    "deleted": ("{n} thing moved to the bin.", "{n} things moved to the bin."),
    "moved": ("{n} thing moved.", "{n} things moved."),
    "copied": ("{n} thing copied.", "{n} things copied."),
    "restored": ("{n} thing put back.", "{n} things put back."),
    "removed": ("{n} thing deleted for good.", "{n} things deleted for good."),
    "made": ("The folder is made.", ""),
    "renamed": ("It has its new name.", ""),
    "uploaded": ("{n} file is here.", "{n} files are here."),
    "abandoned": ("The upload is given up.", ""),
}
"""What was just done, by the word in the address; the words themselves never come from there."""


@dataclass(frozen=True, kw_only=True)
class Toast:
    """What was just done, and by what it can be taken back."""

    words: str
    undo: str = ""


@dataclass(frozen=True, kw_only=True)
class Page:
    """Which part of a folder is shown."""

    number: int
    total: int
    more: bool

    @property
    def first(self) -> int:
        """The number of the first thing."""
        return (self.number - 1) * ON_A_PAGE + 1

    @property
    def last(self) -> int:
        """The number of the last thing."""
        return min(self.number * ON_A_PAGE, self.total)


class FilePage(PortalPage):
    """Any page of one's own files; which one is meant stands behind the question mark, since names may be anything."""

    nav = "files"
    scope = READ

    @property
    def asked(self) -> str:
        """What is asked for, from the top of the space; the service refuses what is no path."""
        return self.get_query_argument("path", "", strip=False)[:LONGEST_PATH]

    def toast(self) -> Toast | None:
        """Return what the address says was just done."""
        one, many = SAID.get(self.get_query_argument("did", ""), ("", ""))
        number = self.get_query_argument("n", "1")
        if not one or not number.isdecimal() or len(number) > _MOST_DIGITS:
            return None
        words = (one if int(number) == 1 or not many else many).format(n=int(number))
        return Toast(words=words, undo=self.get_query_argument("undo", "")[:64])

    async def show(self, path: str, *, problem: str = "") -> None:
        """Show a folder.

        Parameters
        ----------
        problem
            Why nothing was done a moment ago.
        """
        order, number = self._order(), self._number()
        with self.context.reads.one(self.require(READ)):
            folder, unfinished = await self.context.file_threads(self._looked_at, path, order, number)
        self.render_page(
            "files.html",
            folder=folder,
            above=above(folder.path),
            sort=order.value,
            page=Page(number=number, total=folder.total, more=folder.more),
            renaming=self.get_query_argument("rename", "", strip=False),
            pool=await self.pool(),
            unfinished=unfinished,
            toast=None if problem else self.toast(),
            problem=problem,
            may_write=WRITE in self.require().scopes,
            webdav=self._webdav,
        )

    def _looked_at(self, path: str, order: Order, number: int) -> tuple[FolderView, UnfinishedView]:
        """Return all that the page asks of the disk, in one way to a thread and back."""
        files = self.services.files
        offset = (number - 1) * ON_A_PAGE
        folder = files.folder(owner=self.owner, path=path, order=order, offset=offset, limit=ON_A_PAGE)
        return folder, files.unfinished(owner=self.owner)

    @property
    def _webdav(self) -> str:
        """Where file managers find the space, or nothing."""
        config = self.context.config
        return f"{config.public_url}{WEBDAV_MOUNT}/" if config.webdav else ""

    def _order(self) -> Order:
        word = self.get_query_argument("sort", "")
        return Order(word) if word in set(Order) else Order.NAME

    def _number(self) -> int:
        word = self.get_query_argument("page", "1")
        return max(1, int(word)) if word.isdecimal() and word.isascii() and len(word) <= _MOST_DIGITS else 1


class FilesPage(FilePage):
    """What lies in a folder."""

    @override
    async def get(self) -> None:
        await self.show(self.asked)


class FindPage(FilePage):
    """What has these words in its name."""

    @override
    async def get(self) -> None:
        text = self.get_query_argument("text", "")[:LONGEST_PATH]
        with self.context.writes.one(self.require(READ)):
            try:
                found = await self.context.file_threads(
                    self.services.files.find, owner=self.owner, path=self.asked, text=text
                )
            except BadParameter:
                found = None
        self.render_page(
            "files_found.html", found=found, text=text, path=self.asked, above=above(self.asked.strip("/"))
        )


class BinPage(FilePage):
    """What was deleted and can be put back."""

    @override
    async def get(self) -> None:
        view = await self.context.file_threads(self.services.file_moves.bin, owner=self.owner)
        self.render_page(
            "files_bin.html",
            bin=view,
            toast=self.toast(),
            problem="",
            may_write=WRITE in self.require().scopes,
        )


class PlacePage(FilePage):
    """A folder is chosen, into which files go: by links from folder to folder, each a button that keeps what was chosen."""

    @override
    async def get(self) -> None:
        await self._choose(
            self.get_query_arguments("path", strip=False), self.get_query_argument("to", "", strip=False)
        )

    @override
    async def post(self) -> None:
        await self._choose(
            self.get_body_arguments("path", strip=False), self.get_body_argument("to", "", strip=False)
        )

    async def _choose(self, paths: list[str], to: str) -> None:
        chosen = [path[:LONGEST_PATH] for path in paths if path]
        if not chosen:
            raise BadParameter("Nothing was chosen: go back, and tick what is to move.", field="path")
        with self.context.reads.one(self.require(WRITE)):
            folder = await self.context.file_threads(
                self.services.files.folder,
                owner=self.owner,
                path=to[:LONGEST_PATH],
                limit=MOST_FOLDERS,
            )
        here = chosen[0].strip("/").rpartition("/")[0]
        self.render_page(
            "files_place.html",
            chosen=chosen,
            here=here,
            folder=_without_platforms(folder),
            above=above(folder.path),
            problem="",
        )


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


class ZipDownload(FilePage):
    """Files and folders as one archive."""

    is_stream = True

    @override
    async def get(self) -> None:
        await self._pack(self.get_query_arguments("path", strip=False))

    @override
    async def post(self) -> None:
        """Do the same for so many that no address could name them."""
        await self._pack(self.get_body_arguments("path", strip=False))

    async def _pack(self, paths: list[str]) -> None:
        with self.context.reads.one(self.require(READ)):
            archive = await self.context.file_threads(
                self.services.file_archives.pack, owner=self.owner, paths=paths
            )
            await send_pieces(self, archive.pieces, name=archive.name, media_type="application/zip")


def above(path: str) -> list[tuple[str, str]]:
    """Return the folders on the way to one: name and path of each."""
    parts = path.split("/") if path else []
    return [(part, "/".join(parts[: place + 1])) for place, part in enumerate(parts)]


def _without_platforms(folder: FolderView) -> FolderView:
    """Leave out folders in which nobody but the platform puts anything."""
    items = [one for one in folder.items if not is_platforms(one.path.split("/"))]
    return folder.model_copy(update={"items": items})


ROUTES: list[tuple[str, type[Any], dict[str, Any]]] = [
    (f"{ROOT}files", FilesPage, {}),
    (f"{ROOT}files/find", FindPage, {}),
    (f"{ROOT}files/bin", BinPage, {}),
    (f"{ROOT}files/place", PlacePage, {}),
    (f"{ROOT}files/content", FileDownload, {}),
    (f"{ROOT}files/zip", ZipDownload, {}),
]
