"""One numeric user for each person, where the platform runs as root and may choose it."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

from gavip_hub.exceptions import Unavailable

FIRST_UID = (
    30_000  # 30000 to 59999 are given to nobody by Debian's policy, and exist inside a rootless container
)
LAST_UID = 59_999
PROBE_UID = FIRST_UID
_NUMBERS = TypeAdapter(dict[str, Annotated[int, Field(strict=True, gt=PROBE_UID, le=LAST_UID)]])
_DAMAGED = (
    "{path} is damaged, and without it nobody knows whose numeric user is whose. "
    "Take it from a backup, or write it anew from the owners of the folders in users/."
)


class Uids:
    """The numbers of people, kept in one file, never given twice.

    Parameters
    ----------
    path
        The JSON file; made when the first number is given.
    """

    def __init__(self, *, path: Path) -> None:
        self._path = path

    def of(self, user: str) -> int:
        """Return the number of a person, giving the next free one at the first call.

        Raises
        ------
        gavip_hub.exceptions.Unavailable
            No number is left, or the file cannot be read: a number given twice would open one person's files to another.
        """
        with _locked(self._path.with_name(f"{self._path.name}.lock")):
            known = self._read()
            if user not in known:
                known[user] = max(known.values(), default=PROBE_UID) + 1
                if known[user] > LAST_UID:
                    raise Unavailable(
                        f"No numeric user is left for {user}: {self._path} gave all up to {LAST_UID}."
                    )
                _write(self._path, json.dumps(known, indent=1))
            return known[user]

    def _read(self) -> dict[str, int]:
        try:
            known = _NUMBERS.validate_json(self._path.read_bytes())
        except FileNotFoundError:
            return {}
        except ValidationError as error:
            raise Unavailable(_DAMAGED.format(path=self._path)) from error
        if len(set(known.values())) < len(known):
            raise Unavailable(_DAMAGED.format(path=self._path))
        return known


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a lock; its file is not the one that is replaced, or two could each hold a lock of their own."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _write(path: Path, text: str) -> None:
    """Write the file whole or not at all, and for good: folders are given away by its numbers."""
    partial = path.with_name(f".{path.name}.new")
    with partial.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    partial.chmod(0o600)
    partial.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    os.fsync(folder)
    os.close(folder)
