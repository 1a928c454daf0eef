"""What lies in a repository, as people look at it: folders, files and history, each within bounds."""

import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from gavip_hub.exceptions import NotFound
from gavip_hub.storage.git import Git
from gavip_hub.storage.git_entries import Entry

MOST_LISTED = 1000
MOST_COMMITS = 20
LONGEST_SUBJECT = 120
LONGEST_BODY = 4000
MOST_TOLD = 1_000_000
"""Bytes of a history that are read."""
_BETWEEN = "\x1f"
_FORMAT = "%H%x1f%at%x1f%an%x1f%B"
_MODES = {"tree": "040000", "blob": "100644"}


@dataclass(frozen=True, kw_only=True)
class Made:
    """One commit of a history."""

    commit: str
    author: str
    at: datetime | None
    subject: str
    body: str
    """What its message says below its subject."""


@dataclass(frozen=True, kw_only=True)
class Listing:
    """What lies in a folder: folders first, by name."""

    entries: tuple[Entry, ...]
    more: bool
    """There are others, that are not listed."""


def listing(git: Git, tree: str) -> Listing:
    """Return what lies in a folder, or in the root of a commit."""
    found = []
    for entry in git.entries(tree, recursive=False):
        found.append(entry)
        if len(found) > MOST_LISTED:
            break
    by_name = sorted(found[:MOST_LISTED], key=lambda entry: (not entry.is_folder, entry.path))
    return Listing(entries=tuple(by_name), more=len(found) > MOST_LISTED)


def file(git: Git, commit: str, path: str) -> Entry:
    """Return what git says of a file, or of a folder, of a commit.

    Raises
    ------
    NotFound
        There is no such path.
    """
    found = git.look(f"{commit}:{path}")
    if found is None or found[1] not in _MODES:
        raise NotFound(f"There is no file {path[:200]!r} in this repository.", field="path")
    object_id, kind, size = found
    return Entry(mode=_MODES[kind], object_id=object_id, size=size, path=path.rpartition("/")[2])


def content(git: Git, entry: Entry, *, folder: Path) -> BinaryIO:
    """Return the content of a file; it takes room in a folder until it is closed."""
    kept = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - whoever asked closes it
    for _, pieces in git.contents([entry]):
        kept.writelines(pieces)
    kept.seek(0)
    return kept


def history(git: Git, commit: str) -> list[Made]:
    """Return the newest commits that lead to one."""
    told, is_all = git.beginning(
        "log",
        "-z",
        "--no-mailmap",
        "--no-show-signature",
        f"--max-count={MOST_COMMITS}",
        f"--format={_FORMAT}",
        commit,
        most=MOST_TOLD,
    )
    commits = told.decode("utf-8", "replace").split("\0")
    return [_made(one) for one in (commits if is_all else commits[:-1]) if one]


def _made(told: str) -> Made:
    """Read one commit: what an author wrote comes last, so that it can stand for nothing else."""
    commit, at, author, message = told.split(_BETWEEN, 3)
    subject, _, body = message.strip().partition("\n\n")
    return Made(commit=commit, author=_short(author), at=_time(at), subject=_short(subject), body=_long(body))


def _short(text: str) -> str:
    plain = "".join(letter if letter.isprintable() else " " for letter in text[: 4 * LONGEST_SUBJECT])
    return plain.strip()[:LONGEST_SUBJECT]


def _long(text: str) -> str:
    plain = (letter if letter.isprintable() or letter == "\n" else " " for letter in text[:LONGEST_BODY])
    return "".join(plain).strip()


def _time(seconds: str) -> datetime | None:
    """Return a time; None where a commit was made before or after all calendars."""
    try:
        return datetime.fromtimestamp(int(seconds), tz=UTC)
    except (ValueError, OverflowError, OSError):
        return None
