"""Repositories of other places: a project is begun from one, and pushed on to one."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from avi_kernel.protocol.base import STORABLE, Wire

Address = Annotated[str, Field(min_length=1, max_length=500), STORABLE]
Token = Annotated[str, Field(max_length=500, pattern=r"^[\x21-\x7e]*$")]
OutsideState = Literal["waiting", "running", "done", "failed"]


class ImportRequest(Wire):
    """Begin a project from a repository of another place."""

    url: Address
    """Such as `https://git.example.org/stars/bright.git`; one that everybody may read."""


class ImportView(Wire):
    """How far an import is, or how it ended."""

    avi: str
    url: str
    state: OutsideState
    fraction: float = 0.0
    message: str = ""
    """What came, or what went wrong and what to do next."""
    begun_at: datetime
    ended_at: datetime | None = None


class MirrorRequest(Wire):
    """Push a project's repository on to another place, after each push here."""

    url: Address
    """Such as `https://git.example.org/stars/bright.git`; the repository must be there."""
    token: Token = ""
    """That place's token for who may push there; kept, and never shown again. Left out, the one given before is kept, unless
    the address changes."""


class MirrorView(Wire):
    """Where a project's repository is pushed on to, and how that went."""

    avi: str
    url: str
    has_token: bool
    state: OutsideState
    """Waiting: it is pushed on soon, or tried again."""
    message: str = ""
    """What went wrong, where something did."""
    tries: int = 0
    """That failed, one after the other."""
    next_at: datetime | None = None
    done_at: datetime | None = None
    """When all was there for the last time."""
