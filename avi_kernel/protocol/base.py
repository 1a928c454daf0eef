"""What every wire model shares."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field


class Wire(BaseModel):
    """A value that travels; unknown keys are refused, so that a typing error is never silent."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


def require_storable(text: str) -> str:
    """Return a text that databases keep and that can be sent.

    Raises
    ------
    ValueError
        It holds half of a surrogate pair, which is no UTF-8, or a NUL, which PostgreSQL refuses.
    """
    if "\0" in text:
        raise ValueError("must be text without NUL characters")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("must be text in UTF-8; it holds half of a surrogate pair") from None
    return text


def storable(text: object) -> object:
    """Return a text with what `require_storable` refuses replaced by U+FFFD; anything else as it is."""
    if not isinstance(text, str):
        return text
    # The detour leaves what is a pair, and makes one character of each half.
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return whole.replace("\0", "\N{REPLACEMENT CHARACTER}")


STORABLE = AfterValidator(require_storable)
"""For text that people give: what cannot be kept is refused."""
REPORTED = BeforeValidator(storable)
"""For text that programs report: what cannot be kept is replaced, since a job must be able to end."""
Line = Annotated[str, Field(max_length=200), STORABLE]
"""A name or a title."""
Paragraph = Annotated[str, Field(max_length=2000), STORABLE]
"""Some sentences."""
ReportedText = Annotated[str, REPORTED]
MOST = 2**53
"""The largest number that everybody who reads JSON reads alike, and far below what databases keep."""
Count = Annotated[int, Field(ge=0, le=MOST, strict=True)]
NAME_PATTERN = r"^[A-Za-z][A-Za-z0-9_]{0,63}$"
SLUG_PATTERN = r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$"
PIPELINE_PATTERN = r"^[a-z][a-z0-9_-]{0,39}$"
IMAGE_PATTERN = r"^[a-z][a-z0-9-]{0,39}$"
HOST_PATTERN = r"^[A-Za-z0-9.-]+(:[0-9]{1,5})?$"
PATTERN_WORDS = {
    NAME_PATTERN: "a name of at most 64 letters, digits and `_`, a letter first",
    SLUG_PATTERN: "2 to 20 lower-case letters, digits and single hyphens, a letter first",
    PIPELINE_PATTERN: "a pipeline's name: at most 40 lower-case letters, digits, `_` and `-`, a letter first",
    IMAGE_PATTERN: "an image's name: at most 40 lower-case letters, digits and `-`, a letter first",
    HOST_PATTERN: "a host's name, such as `archive.example.org` or `archive.example.org:8443`: no scheme, path or `*`",
}
"""What such a pattern accepts, as people are told."""
MEDIA_TYPE = r"^[A-Za-z0-9_.+-]+/[A-Za-z0-9_.+-]+(;[A-Za-z0-9_.+= -]+)?$"
"""Of ASCII alone: it becomes a header."""
ResultName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]
"""File name of a job's result."""
