"""Images of a platform that its authors may download, as the REST interface tells of them."""

from datetime import datetime
from typing import Literal

from avi_kernel.protocol.base import Wire

ImageKind = Literal["avi", "notebook"]
ArchiveState = Literal["none", "waiting", "making", "ready"]


class ImageView(Wire):
    """An image that boxes of this platform run in, and its archive."""

    name: str
    """The platform's own name of it, as `avi.toml` may say it."""
    reference: str
    """As engines name it, also after `docker load`."""
    kind: ImageKind
    """Whether AVIs run in it, or notebook servers."""
    platform_version: str
    image_id: str
    """The engine's; after `docker load` another engine has the same."""
    image_size: int
    """Bytes of it in an engine."""
    state: ArchiveState
    """Of its archive; who asks for one that is not made has it made."""
    fraction: float = 0.0
    """How much of the archive is made, 0 to 1."""
    reason: str = ""
    """Why the archive could not be made, where the last try failed."""
    size: int | None = None
    """Bytes of the archive."""
    sha256: str | None = None
    """Of the archive."""
    made_at: datetime | None = None


class ImageList(Wire):
    """The images that may be downloaded."""

    items: list[ImageView]
    reason: str = ""
    """Why there are none, or why what is told may be old."""
