"""Users' spaces as a file manager sees them: whole folders, beneath the space, never through a link; `shared/` in its place."""

import os
import stat
from collections.abc import Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from gavip_hub.domain.userpaths import is_plain
from gavip_hub.exceptions import NotFound, TooLarge, Unavailable
from gavip_hub.storage.beneath import check_part, open_file, opened_folder
from gavip_hub.storage.userfiles import Found, found_of

MOST_SHOWN = 20_000
"""Entries of a folder; who is shown a part of one would take the rest for deleted."""
SHARED = "shared"
_SHARES = ("everyone", "groups", "me")
_SHARE = 2
"""Parts of the path of one of them."""


class SpaceReader:
    """What lies in users' spaces, and what is shared with them.

    Parameters
    ----------
    root
        The data root.
    """

    def __init__(self, *, root: Path) -> None:
        self._root = root

    def status(self, owner: str, parts: Sequence[str]) -> Found | None:
        """Return what lies at a path; None where nothing does that is shown."""
        if not parts or (parts[0] == SHARED and len(parts) <= _SHARE):
            return self._folder(owner, parts)
        base, below = self._below(owner, parts)
        *folders, name = below
        try:
            with opened_folder(base, folders) as folder:
                status = os.stat(check_part(name), dir_fd=folder, follow_symlinks=False)
        except (OSError, NotFound, Unavailable, UnicodeEncodeError):
            return None
        return found_of(name, status) if _is_shown(status) else None

    def entries(self, owner: str, parts: Sequence[str]) -> list[Found]:
        """Return what lies in a folder.

        Raises
        ------
        NotFound
            There is no such folder.
        TooLarge
            There is too much in it.
        """
        if tuple(parts) == (SHARED,):
            shares = (self._folder(owner, (SHARED, name)) for name in _SHARES)
            return [share for share in shares if share]
        found = self._listed(*self._below(owner, parts))
        if not parts:
            found = [one for one in found if one.name != SHARED]
            found.append(Found(name=SHARED, is_folder=True, size=0, modified=0.0, etag=""))
        return found

    def open(self, owner: str, parts: Sequence[str]) -> BinaryIO:
        """Open a file.

        Raises
        ------
        NotFound
            There is no such file.
        """
        if not parts:
            raise NotFound("That is a folder.")
        base, below = self._below(owner, parts)
        try:
            return open_file(base, below)
        except (OSError, UnicodeEncodeError):
            raise NotFound(f"There is no file {parts[-1]}.") from None

    def _folder(self, owner: str, parts: Sequence[str]) -> Found | None:
        """Return the top of the space, or of what is shared: folders of the platform's own."""
        name = parts[-1] if parts else ""
        made = Found(name=name, is_folder=True, size=0, modified=0.0, etag="")
        if len(parts) < _SHARE:
            return made
        base, below = self._below(owner, parts)
        with suppress(OSError):
            return made if base.joinpath(*below).is_dir() else None
        return None

    def _below(self, owner: str, parts: Sequence[str]) -> tuple[Path, list[str]]:
        """Return the folder beneath which a path lies, and its parts below that."""
        owner = check_part(owner)
        if not parts or parts[0] != SHARED:
            return self._root / "users" / owner, list(parts)
        if len(parts) < _SHARE or parts[1] not in _SHARES:
            raise NotFound(f"There is no such folder in {SHARED}.")
        folder = self._root / "shared" / parts[1]
        # What is shared with groups and with one person lies in a folder of each reader's own.
        return (folder if parts[1] == "everyone" else folder / owner), list(parts[2:])

    def _listed(self, base: Path, below: Sequence[str]) -> list[Found]:
        found: list[Found] = []
        try:
            with opened_folder(base, below) as folder, os.scandir(folder) as listed:
                for entry in islice(listed, MOST_SHOWN + 1):
                    with suppress(OSError, UnicodeEncodeError):  # gone since it was seen, or no text
                        entry.name.encode()
                        status = entry.stat(follow_symlinks=False)
                        if is_plain(entry.name) and _is_shown(status):
                            found.append(found_of(entry.name, status))
                if next(listed, None) is not None:
                    raise TooLarge(f"There is more in this folder than {MOST_SHOWN} files and folders.")
        except FileNotFoundError:
            return []  # nothing of theirs ran yet
        except Unavailable as error:
            raise NotFound(error.message) from None
        return found


def _is_shown(status: os.stat_result) -> bool:
    return stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)
