"""One numeric user for each person, where the platform runs as root and may choose it."""

import fcntl
import json
import os
import stat
from pathlib import Path

FIRST_UID = (
    30_000  # 30000 to 59999 are given to nobody by Debian's policy, and exist inside a rootless container
)
LAST_UID = 59_999
PROBE_UID = FIRST_UID
_READ = 0o055


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


def hand_over(folder: str, uid: int) -> None:
    """Give a folder and all in it to a person, once; links are never followed."""
    if os.stat(folder).st_uid == uid:  # noqa: PTH116  # the cheap test comes first, at every start
        return
    # The top last: a crash in between leaves it to be done again.
    for _, folders, files, descriptor in os.fwalk(folder, topdown=False):
        for name in folders + files:
            os.chown(name, uid, uid, dir_fd=descriptor, follow_symlinks=False)
    os.chown(folder, uid, uid, follow_symlinks=False)


def let_read(folder: str) -> None:
    """Let everyone read a folder of the platform's; what keeps others out is the closed folder above it."""
    open_to_all = stat.S_IROTH | stat.S_IXOTH
    if os.stat(folder).st_mode & open_to_all == open_to_all:  # noqa: PTH116  # as above
        return
    for _, folders, files, descriptor in os.fwalk(folder, topdown=False):
        for name in folders + files:
            _let_read_one(name, descriptor)
    os.chmod(folder, stat.S_IMODE(os.stat(folder).st_mode) | _READ)  # noqa: PTH101,PTH116  # beside its twin below


def _let_read_one(name: str, directory: int) -> None:
    mode = os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode
    if stat.S_ISLNK(mode):
        return
    more = _READ if stat.S_ISDIR(mode) or mode & stat.S_IXUSR else 0o044
    os.chmod(name, stat.S_IMODE(mode) | more, dir_fd=directory)
