"""One numeric user for each person, where the platform runs as root and may choose it."""

import fcntl
import json
import os
from pathlib import Path

FIRST_UID = (
    30_000  # 30000 to 59999 are given to nobody by Debian's policy, and exist inside a rootless container
)
LAST_UID = 59_999
PROBE_UID = FIRST_UID


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
        """Return the number of a person, giving the next free one at the first call."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "r+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            known: dict[str, int] = json.loads(file.read() or "{}")
            if user not in known:
                known[user] = max(known.values(), default=PROBE_UID) + 1
                if known[user] > LAST_UID:
                    raise OverflowError(f"no number left below {LAST_UID} for user {user}")
                file.seek(0)
                file.truncate()
                file.write(json.dumps(known, indent=1))
            return known[user]
