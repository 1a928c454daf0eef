"""A person's files: folders made, things moved and copied, deleted to the bin and brought back."""

from typing_extensions import override

from avi_kernel.protocol.files import (
    BinView,
    CopiedView,
    EmptiedView,
    FileEntry,
    FileMove,
    FolderMake,
    RestoredView,
)
from gavip_hub.exceptions import BadParameter, Conflict, DiskFull, NoRoom, NotFound, SpaceFull, Taken
from gavip_hub.handlers.data import READ, WRITE, DataApi
from gavip_hub.handlers.operations import ApiHandler, operation


class Folders(DataApi):
    """Folders of the asker's space."""

    path = "/data/folders"

    @override
    @operation(
        id="data.mkdir",
        summary="Make a folder of your space",
        scope=WRITE,
        body=FolderMake,
        returns=FileEntry,
        status=201,
        errors=(Taken, BadParameter),
    )
    async def post(self, body: FolderMake) -> FileEntry:
        """Make it, and those above it that are missing."""
        return await self.context.file_threads(
            self.services.file_moves.make_folder, owner=self.person().name, path=body.path
        )


class Moves(DataApi):
    """Files and folders of the asker's space that go elsewhere."""

    path = "/data/moves"

    @override
    @operation(
        id="data.move",
        summary="Move or rename a file or folder of your space",
        scope=WRITE,
        body=FileMove,
        returns=FileEntry,
        errors=(NotFound, Taken, Conflict, BadParameter),
    )
    async def post(self, body: FileMove) -> FileEntry:
        """Move it at one stroke; nothing is written over."""
        return await self.context.file_threads(
            self.services.file_moves.move, owner=self.person().name, path=body.path, to=body.to
        )


class Copies(DataApi):
    """Files and folders of the asker's space, twice."""

    is_stream = True
    path = "/data/copies"

    @override
    @operation(
        id="data.copy",
        summary="Copy a file or folder within your space",
        scope=WRITE,
        body=FileMove,
        returns=CopiedView,
        status=201,
        errors=(NotFound, Taken, Conflict, SpaceFull, NoRoom, DiskFull, BadParameter),
    )
    async def post(self, body: FileMove) -> CopiedView:
        """Copy it; it is in its place whole or not at all. Hidden files and links stay behind."""
        profile = self.person()
        with self.context.writes.one(profile):
            return await self.context.copying_threads(
                self.services.file_moves.copy,
                owner=profile.name,
                groups=profile.groups,
                path=body.path,
                to=body.to,
            )


class WholeBin(DataApi):
    """The asker's bin."""

    path = "/data/bin"

    @override
    @operation(id="data.bin", summary="List your bin", scope=READ, returns=BinView)
    async def get(self) -> BinView:
        """Return at most 1,000 things, the last deleted first."""
        return await self.context.file_threads(self.services.file_moves.bin, owner=self.person().name)

    @override
    @operation(id="data.empty", summary="Empty your bin", scope=WRITE, returns=EmptiedView)
    async def delete(self) -> EmptiedView:
        """Delete all that lies in it for good."""
        return await self.context.file_threads(self.services.file_moves.empty, owner=self.person().name)


class OneBinned(DataApi):
    """One thing in the asker's bin."""

    path = "/data/bin/{deleted}"

    @override
    @operation(
        id="data.restore",
        summary="Put something of your bin back where it lay",
        scope=WRITE,
        returns=RestoredView,
        errors=(NotFound, Conflict),
    )
    async def post(self, deleted: str) -> RestoredView:
        """Put it back, under another name where its own is taken."""
        return await self.context.file_threads(
            self.services.file_moves.restore, owner=self.person().name, name=deleted
        )

    @override
    @operation(
        id="data.remove",
        summary="Delete something of your bin for good",
        scope=WRITE,
        status=204,
        errors=(NotFound,),
    )
    async def delete(self, deleted: str) -> None:
        """Delete it for good."""
        await self.context.file_threads(
            self.services.file_moves.remove, owner=self.person().name, name=deleted
        )


HANDLERS: tuple[type[ApiHandler], ...] = (Folders, Moves, Copies, WholeBin, OneBinned)
