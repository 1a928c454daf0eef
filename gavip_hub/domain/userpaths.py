"""Paths of files in a user's space, as their owner names them from outside."""

from collections.abc import Sequence
from pathlib import PurePosixPath

from gavip_hub.exceptions import BadParameter

_DEEPEST = 30
_LONGEST = 255
_SURELY_SHORT = _LONGEST // 4
"""Letters: none takes more than four bytes."""
_PLATFORMS = {"jobs": "results are kept as they were made", "shared": "what others share is theirs"}


def checked(text: str, *, whole_space: bool = False) -> tuple[str, ...]:
    """Return the parts of a path from the top of the space.

    Nothing hidden: a notebook server starts from hidden files, and who writes those runs code in it.

    Parameters
    ----------
    whole_space
        Whether the top itself, which has no parts, is meant as well.

    Raises
    ------
    gavip_hub.exceptions.BadParameter
        It names nothing that can lie in a space; the message says what would.
    """
    parts = tuple(part for part in text.strip("/").split("/") if part)
    if not parts and whole_space:
        return ()
    if not parts or len(parts) > _DEEPEST or not all(map(is_plain, parts)):
        raise BadParameter(
            f"{text[:80]!r} is no path of a file here: name it from the top of your space, as data/stars.csv, nothing hidden",
            field="path",
        )
    return parts


def writable(text: str) -> tuple[str, ...]:
    """Return the parts of a path that its owner may write.

    Raises
    ------
    gavip_hub.exceptions.BadParameter
        It is no path, or the platform's own.
    """
    parts = checked(text)
    if is_platforms(parts):
        raise BadParameter(f"{parts[0]} is not yours to write: {_PLATFORMS[parts[0]]}", field="path")
    return parts


def is_platforms(parts: Sequence[str]) -> bool:
    """Tell whether the platform alone writes a place of a space."""
    return bool(parts) and parts[0] in _PLATFORMS


def is_shared(parts: Sequence[str]) -> bool:
    """Tell whether a path leads to what others share: it lies in no space, and containers see it there."""
    return list(parts[:1]) == ["shared"]


def target_of(source: Sequence[str], to: str) -> tuple[str, ...]:
    """Return where something goes: into a folder that a slash ends, under its own name, or to the place itself.

    Raises
    ------
    gavip_hub.exceptions.BadParameter
        It is no path, or not its owner's to write.
    """
    into = not to.strip("/") or to.endswith("/")
    return writable("/".join([to.strip("/"), source[-1]]) if into else to)


def beside(name: str, number: int) -> str:
    """Return a name for something whose own is taken: `stars (2).csv`."""
    suffix = PurePosixPath(name).suffix
    stem, mark = name.removesuffix(suffix), f" ({number}){suffix}"
    while len(f"{stem}{mark}".encode()) > _LONGEST and stem:
        stem = stem[:-1]
    return f"{stem}{mark}"


def is_plain(part: str) -> bool:
    """Tell whether a name is shown and written: no hidden one, and nothing that terminals obey."""
    length = len(part)
    return (
        length > 0
        and part[0] != "."
        and part.isprintable()
        and "/" not in part
        and (length <= _SURELY_SHORT or len(part.encode("utf-8", "replace")) <= _LONGEST)
    )
