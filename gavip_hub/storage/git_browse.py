"""What lies in a repository, as people look at it: folders, files and history, each within bounds."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import BinaryIO

from gavip_hub.exceptions import NotFound, TooLarge
from gavip_hub.storage.git import Entry, Git

MOST_LISTED = 1000
MOST_COMMITS = 20
LONGEST_SUBJECT = 120
_FOLDER = "tree"
_FORMAT = f"%H%x1f%<({LONGEST_SUBJECT},trunc)%an%x1f%at%x1f%<({LONGEST_SUBJECT},trunc)%s"


@dataclass(frozen=True, kw_only=True)
class Made:
    """One commit of a history."""

    commit: str
    author: str
    at: datetime
    subject: str


@dataclass(frozen=True, kw_only=True)
class Listing:
    """What lies in a folder: folders first, by name."""

    entries: tuple[Entry, ...]
    more: bool
    """There are others, that are not listed."""


def listing(git: Git, commit: str, path: str) -> Listing:
    """Return what lies in a folder of a commit.

    Parameters
    ----------
    path
        Below the repository's root, with no slash at either end; empty for the root itself.
    """
    found = []
    for entry in git.entries(f"{commit}:{path}", recursive=False):
        found.append(entry)
        if len(found) > MOST_LISTED:
            break
    by_name = sorted(found[:MOST_LISTED], key=lambda entry: (not entry.is_folder, entry.path))
    return Listing(entries=tuple(by_name), more=len(found) > MOST_LISTED)


def kind_of(git: Git, commit: str, path: str) -> str:
    """Return `tree` for a folder, `blob` for a file.

    Raises
    ------
    NotFound
        There is no such path.
    """
    found = git.kind(f"{commit}:{path}")
    if found not in {_FOLDER, "blob"}:
        raise NotFound(f"There is no file {path[:200]!r} in this repository.", field="path")
    return found


def file(git: Git, commit: str, path: str, *, most: int) -> tuple[Entry, BinaryIO]:
    """Return a file of a commit: what git says of it, and its content, which is gone when it is closed.

    Raises
    ------
    NotFound
        There is no such file.
    TooLarge
        It has more bytes than `most`.
    """
    folder, _, name = path.rpartition("/")
    entry = next(
        (one for one in git.entries(f"{commit}:{folder}", recursive=False) if one.path == name), None
    )
    if entry is None or entry.is_folder or entry.is_submodule:
        raise NotFound(f"There is no file {path[:200]!r} in this repository.", field="path")
    if entry.size > most:
        raise TooLarge(f"{path[:200]} is larger than what is shown here; clone the repository.")
    content = tempfile.TemporaryFile()  # noqa: SIM115 - whoever asked closes it
    for _, pieces in git.contents([entry]):
        content.writelines(pieces)
    content.seek(0)
    return entry, content


def history(git: Git, commit: str) -> list[Made]:
    """Return the newest commits that lead to one."""
    told = git.run("log", f"--max-count={MOST_COMMITS}", f"--format={_FORMAT}", "--no-show-signature", commit)
    return list(_made(told))


def _made(told: str) -> Iterator[Made]:
    for line in told.splitlines():
        fields = line.split("\x1f")
        if len(fields) == 4:  # noqa: PLR2004 - as the format has them; an author's name may hold anything
            commit, author, at, subject = fields
            yield Made(
                commit=commit,
                author=author.strip(),
                at=datetime.fromtimestamp(min(int(at), 253_402_300_799), tz=UTC),
                subject=subject.strip(),
            )
