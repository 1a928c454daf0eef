"""What git's hooks tell the service of a push, and what they are answered."""

from typing import Annotated

from pydantic import Field

from avi_kernel.protocol.base import Line, Wire

ObjectId = Annotated[str, Field(pattern="^[0-9a-f]{40}([0-9a-f]{24})?$")]


class RefUpdate(Wire):
    """One name of a repository that a push makes, moves or deletes."""

    old: ObjectId
    new: ObjectId
    name: Line

    @property
    def is_new(self) -> bool:
        """Whether there was no such name before."""
        return not self.old.strip("0")

    @property
    def is_deletion(self) -> bool:
        """Whether there is none afterwards."""
        return not self.new.strip("0")


class Push(Wire):
    """What is pushed."""

    updates: list[RefUpdate]
    pushed: Line | None = None
    """Name of the folder of its objects, until it is taken."""


class PushAnswer(Wire):
    """Whether it is taken, and what the one who pushes is told."""

    is_taken: bool
    lines: list[str] = []
