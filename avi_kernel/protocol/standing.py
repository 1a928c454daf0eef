"""What becomes of a release that should no longer be used: it is deprecated, or withdrawn, and people are told why."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from avi_kernel.protocol.base import STORABLE, Wire

Standing = Literal["offered", "deprecated", "withdrawn"]


def _in_one_line(text: str) -> str:
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


Reason = Annotated[str, Field(max_length=300), STORABLE, AfterValidator(_in_one_line)]


class ReleaseChange(Wire):
    """Who may run a release, or whether it is still to be run; one of the two at a time."""

    visibility: Literal["private", "public"] | None = None
    """Its AVI's people, or everybody."""
    standing: Standing | None = None
    """Deprecated: it still runs. Withdrawn: what runs goes on, and nothing new starts. Offered: neither any more."""
    reason: Reason = ""
    """Why it is deprecated or withdrawn, in a sentence, and what to use instead."""

    @model_validator(mode="after")
    def _is_one_change(self) -> Self:
        if (self.visibility is None) == (self.standing is None):
            raise ValueError(
                "give a visibility (private, public) or a standing (offered, deprecated, withdrawn)"
            )
        if self.standing in {"deprecated", "withdrawn"} and not self.reason.strip():
            raise ValueError(
                "give the reason, in a sentence: people read it where they would have run the release"
            )
        return self
