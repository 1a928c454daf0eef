"""AVIs' repositories and their people, as the REST interface tells of them."""

from typing import Literal

from avi_kernel.protocol.base import Line, Paragraph, Wire


class ProjectCreate(Wire):
    """Make an AVI's repository, before there is a release."""

    name: Line
    """What the AVI is called."""
    notebook: Paragraph | None = None
    """Path of a notebook of your space that it is made of; default: an empty repository."""
    template: Line | None = None
    """Template that it is made of, by what that proposes: one of `gavip template list`."""


class ReleaseRequest(Wire):
    """Make a release of what a project's main branch has."""

    version: Line
    """Version of the release, as `1.0.0`."""


class MemberView(Wire):
    """Somebody beside its owner who may read an AVI's repository, or write it as well."""

    user: Line
    """Who."""
    may: Literal["read", "write"]
    """What they may do with it."""


class MemberName(Wire):
    """A member of a project."""

    user: Line
    """Who."""


class ProjectChange(Wire):
    """What an AVI's owner decides; what is left out stays."""

    source: Literal["private", "public"] | None = None
    """Who may read its repository: its people, or everybody."""
    answers: Literal["jobs", "products"] | None = None
    """What those get who are none of its people: jobs of their own, or products that are there."""


class ProjectView(Wire):
    """An AVI's repository and its people."""

    name: str
    owner: str
    git_url: str
    source: Literal["private", "public"]
    answers: Literal["jobs", "products"] = "jobs"
    """What those get who are none of its people: jobs of their own, or products that are there."""
    may: Literal["read", "write", "own"]
    """What the asker may do with it."""
    members: list[MemberView] = []
    released: list[str] = []
    """Versions, newest first."""
