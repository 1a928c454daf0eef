"""What a user lets an AVI write beside its own folder: a folder of the user-space, by name."""

from collections.abc import Iterable
from pathlib import PurePosixPath

from gavip_hub.exceptions import BadParameter, Conflict

MOST = 10
"""Folders granted to one AVI."""
_DEEPEST = 6
_LONGEST = 60
_PLATFORMS = {
    "jobs": "results are kept as they were made",
    "shared": "what others share is theirs",
}


def checked_folder(text: str, *, avi: str) -> str:
    """Return the folder's name below the user-space, in its one spelling.

    Not the whole user-space, and nothing hidden: the files that a notebook server starts from lie there, and who writes those
    runs code with all that its user may.

    Raises
    ------
    gavip_hub.exceptions.BadParameter
        It is none that can be granted; the message says which can.
    """
    parts = [part for part in text.strip().strip("/").split("/") if part != "."]
    if not parts or parts == [""]:
        raise BadParameter("name a folder of your space, as data/maps: not all of it", field="folder")
    if len(parts) > _DEEPEST or any(not _is_plain(part) for part in parts):
        raise BadParameter(
            f"{text[:80]!r} is no folder that can be granted: up to {_DEEPEST} plain names, as data/maps, none hidden",
            field="folder",
        )
    if why := _PLATFORMS.get(parts[0]):
        raise BadParameter(f"{parts[0]} is not yours to grant: {why}", field="folder")
    if parts == ["avis"] or parts[:2] == ["avis", avi]:
        raise BadParameter(
            f"{avi} writes avis/{avi} in any case; name one other folder, as data/maps", field="folder"
        )
    return "/".join(parts)


def with_one_more(granted: Iterable[str], folder: str) -> list[str]:
    """Return the folders with one more; those that lie in it are no longer named by themselves.

    Raises
    ------
    gavip_hub.exceptions.Conflict
        It is granted already, by itself or within another, or there are too many.
    """
    kept = []
    for other in granted:
        if PurePosixPath(folder).is_relative_to(other):
            raise Conflict(f"{other} is granted already")
        if not PurePosixPath(other).is_relative_to(folder):
            kept.append(other)
    if len(kept) >= MOST:
        raise Conflict(f"{MOST} folders are granted, and no more can be: withdraw one first")
    return sorted([*kept, folder])


def _is_plain(part: str) -> bool:
    return (
        bool(part) and len(part) <= _LONGEST and part.isprintable() and part[0] not in ".~" and part != ".."
    )
