"""AVIs and their releases, as the REST interface tells of them."""

from datetime import datetime
from typing import Literal

from avi_kernel.protocol.base import Line, Paragraph, Wire
from avi_kernel.protocol.checks import Badge
from avi_kernel.protocol.manifest import ReleaseSpec
from avi_kernel.protocol.standing import Standing


class ReleaseView(Wire):
    """One immutable version of an AVI."""

    avi: str
    version: str
    commit: str
    state: str
    """`READY`, `BUILDING` while its packages are fetched, `FAILED` where they cannot be had."""
    environment: str | None = None
    """The packages that it brought beside those of its image."""
    build: str | None = None
    """The submitter's job that fetches them; told to those who may write it."""
    earlier_builds: list[str] = []
    """Jobs that tried so in vain, oldest first; told to those who may write it."""
    reason: str = ""
    """Why it is not ready, in words; told to those who may write it."""
    submitter: str = ""
    visibility: Literal["private", "public"]
    created_at: datetime
    standing: Standing = "offered"
    """Deprecated: it still runs, and its authors advise another one. Withdrawn: nobody opens it or runs jobs of it any more."""
    standing_reason: str = ""
    """Why, in a sentence."""
    withdrawn_by_operator: bool = False
    """Then an operator alone can take the withdrawal back."""
    spec: ReleaseSpec


class AviView(Wire):
    """An AVI as the catalogue shows it."""

    name: str
    title: str
    summary: str
    owner: str
    authors: list[str] = []
    keywords: list[str] = []
    licence: str = ""
    latest: str | None = None
    """Newest version that the asker may run; one that is not deprecated, where there is one."""
    standing: Standing = "offered"
    """Of that version; withdrawn, where all are."""
    standing_reason: str = ""
    interface_url: str | None = None
    has_interface: bool = False
    pipelines: list[str] = []
    badges: list[Badge] = []
    """What the check of that version found, in a few words."""
    favourite: bool = False
    """Whether the asker wants to see it first."""


class ReleaseSubmit(Wire):
    """Publish a folder of this machine as a release; operators and developers only."""

    folder: Paragraph
    """Where it lies: a path on the platform's machine."""
    avi: Line
    """Name of the AVI."""
    version: Line
    """Version of the release, as `1.0.0`."""
    visibility: Literal["private", "public"] = "private"
    """Who may run it: the AVI's people, or everybody."""
