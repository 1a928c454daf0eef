"""Products and who may read them, as the REST interface tells of them."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from avi_kernel.protocol.base import STORABLE, Line, Paragraph, ResultName, Wire
from avi_kernel.protocol.licences import Licence

ShareKind = Literal["user", "group", "everyone", "link"]
Description = Annotated[str, Field(max_length=20_000), STORABLE]


class ProductMake(Wire):
    """Make a product of a path of one's space, or of a job's results: name one of both."""

    path: Paragraph = ""
    """A file or a folder from the top of the space, as `data/maps`."""
    job: Annotated[str, Field(max_length=64), STORABLE] = ""
    """Whose results it is made of."""
    results: Annotated[list[ResultName], Field(max_length=1000)] = []
    """Which of the job's results; none named: all of them."""
    title: Line = ""
    """Default: the name of the file or folder, or the job's title."""
    description: Description = ""
    """Markdown, for readers."""
    licence: Licence = ""
    """Under which terms others may use it, by SPDX's list, as `CC-BY-4.0`; empty: none are stated."""


class ProductChange(Wire):
    """What is said of a product: its files never change, its words may; what is left out stays."""

    title: Line | None = None
    """Empty: it stays."""
    description: Description | None = None
    """Markdown, for readers."""
    licence: Licence | None = None
    """By SPDX's list, as `CC-BY-4.0`; empty: none is stated any more."""


class ProductView(Wire):
    """Files as they were at one moment, kept unchanged."""

    id: str
    owner: str
    title: str
    description: str
    licence: str = ""
    """Under which terms it may be used, by SPDX's list; empty: its owner states none."""
    state: str
    """`MAKING` while its files are copied, then `READY`; `FAILED` where they could not be, or `REMOVED`."""
    reason: str = ""
    """Why it failed, in words."""
    files: int
    bytes: int
    copied_bytes: int
    """Of these, while it is made."""
    path: str = ""
    """What of its owner's space it was made of."""
    job: str | None = None
    """The job whose results it holds."""
    avi: str | None = None
    version: str | None = None
    avi_title: str = ""
    authors: list[str] = []
    """Of the AVI that made it."""
    provenance: dict[str, Any] | None = None
    """Where it is from, as it was known when it was made."""
    created_at: datetime
    ready_at: datetime | None = None
    may: Literal["own", "read"]
    container_path: str = ""
    """Where the asker's notebooks and jobs find it, from the top of the space; empty where they do not."""
    citation: str
    bibtex: str


class ProductList(Wire):
    """A page of products, newest first."""

    items: list[ProductView]
    next: str | None = None
    """Ask for what is before this one; None: this was the last page."""


class ProductFile(Wire):
    """A file of a product."""

    path: str
    size: int
    sha256: str
    media_type: str


class ProductFiles(Wire):
    """A page of a product's files, by name."""

    items: list[ProductFile]
    next: str | None = None
    """Ask for what is after this one; None: this was the last page."""


class ShareMake(Wire):
    """Let somebody read a product."""

    kind: ShareKind
    """Whom it is shared with; who has the address of a `link` reads it without signing in."""
    subject: Line = ""
    """Name of the user or the group; empty for `everyone` and `link`."""
    expires_at: datetime | None = None
    """When it ends by itself, with its zone; default: never."""


class ShareView(Wire):
    """Who may read a product."""

    id: str
    product: str
    kind: ShareKind
    subject: str
    created_at: datetime
    expires_at: datetime | None = None
    is_known: bool | None = None
    """Whether the Hub knows the user by now: they see it once they have signed in. None: not asked."""
    url: str = ""
    """Of a link: told once, when it is made, and kept by nobody but you."""
