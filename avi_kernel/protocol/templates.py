"""Templates of AVIs that a platform offers, as the REST interface tells of them."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from avi_kernel.protocol.base import STORABLE, Line, Wire

TemplateState = Literal["offered", "retired"]
Summary = Annotated[str, Field(max_length=300), STORABLE]


class TemplateQuery(Wire):
    """Which templates are listed."""

    retired: bool = False
    """Also those that are not offered any more."""


class TemplateAdd(Wire):
    """Offer a repository of this platform as a template."""

    name: Line
    """What people call it: 2 to 20 lower-case letters, digits and single hyphens, a letter first."""
    project: Line
    """Project of this platform whose repository it is; everybody may read that."""
    version: Line | None = None
    """Its version, tagged `v1.0.0` or `1.0.0` there; default: the newest."""
    title: Line = ""
    """A few words that it is shown by; default: its name."""
    summary: Summary = ""
    """What one begins with, in a sentence."""


class TemplateChange(Wire):
    """Change what a template is; what is left out stays."""

    version: Line | None = None
    """Version that is offered from now on, or `newest`."""
    title: Line | None = None
    """A few words that it is shown by."""
    summary: Summary | None = None
    """What one begins with, in a sentence."""
    state: TemplateState | None = None
    """Whether new AVIs are made of it; those that were stay, and are brought on as before."""


class TemplateView(Wire):
    """A template that AVIs are made of."""

    name: str
    title: str
    summary: str
    source: Literal["packaged", "repository"]
    """Whether it comes with the platform, or is a repository of its git."""
    project: str | None = None
    address: str
    """As an AVI that was made of it remembers it."""
    version: str
    state: TemplateState
    changed_by: str = ""
    """The operator who changed it last; empty: nobody has."""
    changed_at: datetime | None = None
