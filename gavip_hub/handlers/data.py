"""A person's files: listed, read and written from outside, as `gavip data cp` does."""

import os
from typing import Annotated

from pydantic import Field
from typing_extensions import override

from avi_kernel.protocol.api import Profile
from avi_kernel.protocol.base import MOST, Paragraph, Wire
from avi_kernel.protocol.files import (
    BinEntry,
    FileDigest,
    FileEntry,
    FolderView,
    FoundView,
    UnfinishedView,
    UploadBegin,
    UploadView,
)
from avi_kernel.protocol.previews import PreviewAsk, PreviewView
from gavip_hub.exceptions import (
    BadParameter,
    Conflict,
    DiskFull,
    Forbidden,
    NoRoom,
    NotFound,
    SpaceFull,
    TooLarge,
    TooManyBegun,
)
from gavip_hub.handlers.downloads import Sent, send_file, send_pieces
from gavip_hub.handlers.operations import ApiHandler, operation
from gavip_hub.storage.userfiles import MOST_LISTED, Order, found_of

READ = "custom:gavip:read:files"
WRITE = "custom:gavip:write:files"
_BYTES = "application/octet-stream"


class FolderQuery(Wire):
    """Which folder."""

    path: Annotated[
        Paragraph, Field(description="From the top of your space, as data/maps; default: the top.")
    ] = ""
    sort: Annotated[
        Order, Field(description="By name, size or modified; with a minus before it the last comes first.")
    ] = Order.NAME
    offset: Annotated[int, Field(ge=0, le=MOST, description="Files and folders that are passed over.")] = 0
    limit: Annotated[int, Field(ge=1, le=MOST_LISTED, description="At most so many.")] = MOST_LISTED


class FindQuery(Wire):
    """What is searched for."""

    text: Annotated[Paragraph, Field(description="Words that a name holds, as gaia csv.")]
    path: Annotated[Paragraph, Field(description="The folder below which is searched; default: the top.")] = (
        ""
    )


class FileQuery(Wire):
    """Which file."""

    path: Annotated[Paragraph, Field(description="From the top of your space, as data/stars.csv.")]


class PieceQuery(Wire):
    """Which piece."""

    offset: Annotated[int, Field(ge=0, le=MOST, description="Bytes that have come before it.")]


class DataApi(ApiHandler):
    """What deals with the asker's own files."""

    def person(self) -> Profile:
        """Return who asks: an AVI's code reads and writes the space through its own mounts, and no further."""
        profile = self.require()
        if profile.avi is not None:
            raise Forbidden("Files are read and written by people, and not by an interface.")
        return profile


class Folder(DataApi):
    """A folder of the asker's space, or what lies there."""

    path = "/data"

    @override
    @operation(
        id="data.list",
        summary="List a folder of your space",
        scope=READ,
        query=FolderQuery,
        returns=FolderView,
        errors=(NotFound, BadParameter, NoRoom),
    )
    async def get(self, query: FolderQuery) -> FolderView:
        """Return at most 5,000 of its files and folders, none hidden and no links."""
        profile = self.person()
        with self.context.reads.one(profile):
            return await self.context.file_threads(
                self.services.files.folder,
                owner=profile.name,
                path=query.path,
                order=query.sort,
                offset=query.offset,
                limit=query.limit,
            )

    @override
    @operation(
        id="data.delete",
        summary="Delete a file or folder of your space; it stays in the bin for 30 days",
        scope=WRITE,
        query=FileQuery,
        returns=BinEntry,
        errors=(NotFound, BadParameter),
    )
    async def delete(self, query: FileQuery) -> BinEntry:
        """Move it to the bin."""
        [found] = await self.context.file_threads(
            self.services.file_moves.delete, owner=self.person().name, paths=[query.path]
        )
        return found


class Search(DataApi):
    """Files of the asker's space by their names."""

    path = "/data/found"

    @override
    @operation(
        id="data.find",
        summary="Search your space by name",
        scope=READ,
        query=FindQuery,
        returns=FoundView,
        errors=(NotFound, BadParameter, NoRoom),
    )
    async def get(self, query: FindQuery) -> FoundView:
        """Return at most 200 files and folders; a space of more than 50,000 is looked through in part."""
        profile = self.person()
        with self.context.writes.one(profile):
            return await self.context.file_threads(
                self.services.files.find, owner=profile.name, path=query.path, text=query.text
            )


class Zip(DataApi):
    """Folders of the asker's space, packed."""

    is_stream = True
    path = "/data/zip"

    @override
    @operation(
        id="data.zip",
        summary="Download a folder of your space as a zip archive",
        scope=READ,
        query=FileQuery,
        media_type="application/zip",
        errors=(NotFound, TooLarge, NoRoom),
    )
    async def get(self, query: FileQuery) -> None:
        """Pack it while it is sent; hidden files and links stay behind."""
        profile = self.person()
        with self.context.reads.one(profile):
            archive = await self.context.file_threads(
                self.services.file_archives.pack, owner=profile.name, paths=[query.path]
            )
            await send_pieces(self, archive.pieces, name=archive.name, media_type="application/zip")


class FileContent(DataApi):
    """A file of the asker's space."""

    is_stream = True
    path = "/data/content"

    @override
    @operation(
        id="data.get",
        summary="Download a file of your space",
        scope=READ,
        query=FileQuery,
        media_type="*/*",
        errors=(NotFound, NoRoom),
    )
    async def get(self, query: FileQuery) -> None:
        """Send the file, or the range of it that was asked for."""
        profile = self.person()
        with self.context.reads.one(profile):
            opened = await self.context.file_threads(
                self.services.files.open, owner=profile.name, path=query.path
            )
            with opened as file:
                name = query.path.rpartition("/")[2]
                etag = found_of(name, os.fstat(file.fileno())).etag
                await send_file(self, Sent(file=file, name=name, media_type=_BYTES, etag=etag, lasts=False))


class PreviewQuery(PreviewAsk):
    """Which file, which page of it, and how."""

    path: Annotated[Paragraph, Field(description="From the top of your space, as data/stars.csv.")]

    def ask(self) -> PreviewAsk:
        """Return what is asked of the file."""
        return PreviewAsk.model_construct(**self.model_dump(exclude={"path"}))


class Preview(DataApi):
    """What can be seen of a file of the asker's space."""

    path = "/data/preview"
    is_stream = True

    @override
    @operation(
        id="data.preview",
        summary="Show a page of a file of your space",
        scope=READ,
        query=PreviewQuery,
        returns=PreviewView,
        errors=(NotFound, BadParameter, NoRoom),
    )
    async def get(self, query: PreviewQuery) -> PreviewView:
        """Return rows of a table, lines of a header or of a text, what a file holds: a page of it at most."""
        profile = self.person()
        with self.context.reads.one(profile):
            opened = await self.context.file_threads(
                self.services.files.open, owner=profile.name, path=query.path
            )
            with opened as file:
                name = query.path.rpartition("/")[2]
                etag = found_of(name, os.fstat(file.fileno())).etag
                found: PreviewView = await self.services.previews.of(
                    file, asker=profile.name, name=name, etag=etag, ask=query.ask()
                )
                return found


class Digest(DataApi):
    """What a file of the asker's space holds, in short."""

    path = "/data/digest"

    @override
    @operation(
        id="data.digest",
        summary="Show the SHA-256 of a file of your space",
        scope=READ,
        query=FileQuery,
        returns=FileDigest,
        errors=(NotFound, BadParameter, NoRoom),
    )
    async def get(self, query: FileQuery) -> FileDigest:
        """Read the file to its end."""
        profile = self.person()
        with self.context.writes.one(profile):
            return await self.context.file_threads(
                self.services.files.digest, owner=profile.name, path=query.path
            )


class Uploads(DataApi):
    """Files on their way into the asker's space."""

    path = "/data/uploads"

    @override
    @operation(
        id="data.uploads",
        summary="List uploads to your space that are not finished",
        scope=READ,
        returns=UnfinishedView,
    )
    async def get(self) -> UnfinishedView:
        """Return where each goes, how much has come, and until when it is kept; `data.abandon` gives one up."""
        return await self.context.file_threads(self.services.files.unfinished, owner=self.person().name)

    @override
    @operation(
        id="data.begin",
        summary="Begin to write a file of your space, or go on where it broke off",
        scope=WRITE,
        body=UploadBegin,
        returns=UploadView,
        errors=(TooManyBegun, SpaceFull, DiskFull),
    )
    async def post(self, body: UploadBegin) -> UploadView:
        """Return under which name its pieces come, and how much has come already."""
        profile = self.person()
        found: UploadView = await self.in_thread(
            self.services.files.begin, owner=profile.name, groups=profile.groups, asked=body
        )
        return found


class OneUpload(DataApi):
    """One of them."""

    path = "/data/uploads/{upload}"

    @override
    @operation(
        id="data.append",
        summary="Write the next piece of a file, 4 MB at most",
        scope=WRITE,
        query=PieceQuery,
        takes_bytes=True,
        returns=UploadView,
        errors=(NotFound, Conflict, NoRoom, DiskFull),
    )
    async def post(self, upload: str, query: PieceQuery, content: bytes) -> UploadView:
        """Return how much has come."""
        profile = self.person()
        with self.context.writes.one(profile):
            return await self.context.file_threads(
                self.services.files.append,
                owner=profile.name,
                upload=upload,
                offset=query.offset,
                content=content,
            )

    @override
    @operation(
        id="data.abandon",
        summary="Give up a file that has not come whole",
        scope=WRITE,
        status=204,
        errors=(NotFound, Conflict),
    )
    async def delete(self, upload: str) -> None:
        """Forget what came of it."""
        await self.context.file_threads(self.services.files.abandon, owner=self.person().name, upload=upload)


class UploadFinish(DataApi):
    """The end of one of them."""

    is_stream = True
    path = "/data/uploads/{upload}/finish"

    @override
    @operation(
        id="data.finish",
        summary="Put a file that has come whole in its place",
        scope=WRITE,
        returns=FileEntry,
        errors=(NotFound, Conflict, NoRoom),
    )
    async def post(self, upload: str) -> FileEntry:
        """Look at its digest, and replace what lies there at one stroke."""
        profile = self.person()
        with self.context.writes.one(profile):
            return await self.context.file_threads(
                self.services.files.finish, owner=profile.name, upload=upload
            )


HANDLERS: tuple[type[ApiHandler], ...] = (
    Folder,
    Search,
    FileContent,
    Preview,
    Zip,
    Digest,
    Uploads,
    OneUpload,
    UploadFinish,
)
