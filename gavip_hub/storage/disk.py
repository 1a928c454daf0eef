"""How much room is left on the disk of the data root, and whether that is enough to start anything."""

import os
from pathlib import Path

from gavip_hub.config import MB
from gavip_hub.exceptions import DiskFull


class DiskSpace:
    """The file system of the data root.

    What runs may fill it; what is kept free lets that end well, and the database note it.

    Parameters
    ----------
    reserve_mb
        MB below which nothing new starts; 0: never mind.
    """

    def __init__(self, *, root: Path, reserve_mb: int) -> None:
        self._root = root
        self.reserve_mb = reserve_mb

    def free_mb(self) -> int:
        """Return the MB that the platform may still write."""
        found = os.statvfs(self._root)
        return found.f_bavail * found.f_frsize // MB

    def shortage(self) -> str:
        """Return why nothing new starts now, in words that follow `waits:`, or nothing."""
        if not self.reserve_mb:
            return ""
        free = self.free_mb()
        if free >= self.reserve_mb:
            return ""
        return f"the platform's disk has {free} MB free, and needs {self.reserve_mb} MB for anything new to start"

    def require_room(self, coming_mb: int = 0) -> None:
        """Refuse to start anything while there is too little room, or to write what would leave too little.

        Raises
        ------
        gavip_hub.exceptions.DiskFull
            Saying how much is missing.
        """
        if short := self.shortage():
            raise DiskFull(
                f"It cannot start now: {short}. Delete results that you do not need, or try again later."
            )
        free = self.free_mb()
        if coming_mb and free - coming_mb < self.reserve_mb:
            raise DiskFull(
                f"It takes {coming_mb} MB, and the platform's disk has {free} MB free: ask its operator."
            )
