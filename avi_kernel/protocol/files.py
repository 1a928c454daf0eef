"""Files of a user's space, as the REST interface tells of them."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from avi_kernel.protocol.base import Count, Paragraph, Wire

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class FileEntry(Wire):
    """A file or a folder of one's own space."""

    name: str
    path: str
    """From the top of the space, as `data/stars.csv`."""
    is_folder: bool = False
    size: int | None = None
    """Bytes; None of a folder."""
    modified_at: datetime
    etag: str = ""
    """Changes when the file does; empty of a folder."""


class FolderView(Wire):
    """What lies in a folder of one's own space; hidden files and links are left out."""

    path: str
    items: list[FileEntry]
    more: bool = False
    """Whether there is more than is listed."""
    total: int = 0
    """All that lies there and is shown, on all pages."""


class FoundView(Wire):
    """What a search found."""

    items: list[FileEntry]
    more: bool = False
    """Whether there was more than is told, or than was looked at."""


class FolderMake(Wire):
    """Make a folder of one's own space."""

    path: Paragraph
    """From the top of the space, as `data/maps`; what is missing above it is made too."""


class FileMove(Wire):
    """Move, rename or copy a file or folder of one's own space."""

    path: Paragraph
    """What, from the top of the space, as `data/stars.csv`."""
    to: Paragraph
    """Where it is to lie, as `data/old.csv`; with a slash at the end: the folder into which it goes, as `maps/`."""


class CopiedView(Wire):
    """What was copied; hidden files and links stayed behind."""

    entry: FileEntry
    files: int
    size: int
    """Bytes of all of them."""


class BinEntry(Wire):
    """Something that was deleted and can be restored."""

    id: str
    path: str
    """Where it lay, from the top of the space."""
    is_folder: bool = False
    size: int | None = None
    """Bytes; None of a folder."""
    deleted_at: datetime
    kept_until: datetime
    """When it is deleted for good."""


class BinView(Wire):
    """One's bin, the last deleted first."""

    items: list[BinEntry]


class RestoredView(Wire):
    """Something that was put back."""

    path: str
    """Where it lies now."""
    renamed: bool = False
    """Whether another name had to be found, since something else lies where it lay."""


class EmptiedView(Wire):
    """A bin that was emptied."""

    deleted: int
    """Things that are gone for good."""


class FileDigest(Wire):
    """What a file holds, in short."""

    path: str
    size: int
    sha256: Sha256


class UploadBegin(Wire):
    """Begin to write a file of one's own space, or go on where it broke off."""

    path: Paragraph
    """Where it is to lie, from the top of the space, as `data/stars.csv`."""
    size: Count
    """Bytes."""
    sha256: Sha256
    """Digest of the whole file; it is looked at before the file is put in its place."""


class UploadView(Wire):
    """A file that is being written."""

    id: str
    path: str
    size: int
    offset: int
    """Bytes that have come: go on from here."""


class UnfinishedUpload(UploadView):
    """A file that has begun to come and is not whole."""

    touched_at: datetime
    """When it was last added to, or begun again."""
    kept_until: datetime
    """When it is forgotten, if nobody goes on with it."""


class UnfinishedView(Wire):
    """What has begun to come into one's space and is not whole, the last touched first."""

    items: list[UnfinishedUpload]
    size: int
    """Bytes that all of them take of one's quota: of each as many as were announced."""
    most: int
    """So many may have begun at once."""
