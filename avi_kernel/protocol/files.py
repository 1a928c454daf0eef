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
