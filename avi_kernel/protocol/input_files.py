"""Files that jobs take as inputs: how their owners name them, and where a job finds them."""

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from pydantic import JsonValue

SPACE_VARIABLE = "GAVIP_USER_SPACE"
"""Names, in every container, the folder that is the top of its user's space."""
_DEEPEST = 30
_LONGEST = 255


def file_path(text: str) -> str:
    """Return a path from the top of a user's space, as it is kept: without slashes at its ends.

    Raises
    ------
    ValueError
        It names nothing that can be an input, with what would.
    """
    parts = [part for part in text.strip().strip("/").split("/") if part]
    if not parts or len(parts) > _DEEPEST or not all(map(_is_plain, parts)):
        raise ValueError(
            f"must be a file's path from the top of your space, as data/stars.csv, nothing hidden; got {text[:80]!r}"
        )
    return "/".join(parts)


def absolute(
    parameters: Mapping[str, JsonValue], files: Sequence[str], *, space: str
) -> dict[str, JsonValue]:
    """Return the parameters with files as a job's code opens them.

    Parameters
    ----------
    files
        Names of the parameters that are files.
    space
        Where the top of the user's space lies; empty where nobody said so, and paths stay as they are.
    """
    return {
        name: str(PurePosixPath(space) / str(value)) if space and name in files else value
        for name, value in parameters.items()
    }


def _is_plain(part: str) -> bool:
    return part[0] != "." and part.isprintable() and len(part.encode("utf-8", "replace")) <= _LONGEST
