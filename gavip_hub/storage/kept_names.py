"""The names in large folders, in order, kept for as long as the system has told of no change in them.

Who looks through a folder of ten thousand files, page by page, reads it once. The system is asked to tell of the first change to it,
of a file that grows, too; whether it did is looked at before each answer, so that none is older than the question.
"""

import os
import time
import weakref
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Lock

from inotify_simple import INotify, flags

MOST_FOLDERS = 64
MOST_NAMES = 100_000
"""Of all folders together."""
FEWEST_NAMES = 1000
"""Names for which it is worth it: fewer are read as quickly as they are found again."""
KEPT_SECONDS = 600.0
"""Where other machines write to the same disk, nobody tells of what they write into a file."""
_CHANGES = flags.CREATE | flags.DELETE | flags.MOVED_FROM | flags.MOVED_TO | flags.MODIFY | flags.ATTRIB
_ONCE = flags.ONESHOT | flags.ONLYDIR
"""No more is told of a folder than that it changed, however often it does: strangers write to it."""

Names = tuple[Sequence[str], bool]
"""Names in order, and whether there are more."""
Place = tuple[int, int]
"""Device and number of a folder on it: its name may be another tomorrow."""


@dataclass(kw_only=True)
class _Watched:
    """A folder that the system watches."""

    watch: int
    changed_at: tuple[int, int]
    since: float
    is_changed: bool = False
    names: dict[str, Names] = field(default_factory=dict)
    """By order."""

    @property
    def size(self) -> int:
        """How many names are kept."""
        return sum(len(names) for names, _ in self.names.values())


class KeptNames:
    """Names of many folders, those that were looked at last; for any number of threads of one process."""

    def __init__(self, *, most_names: int = MOST_NAMES) -> None:
        self._most_names = most_names
        self._lock = Lock()
        self._notices: INotify | None = None
        self._watched: OrderedDict[Place, _Watched] = OrderedDict()
        self._places: dict[int, Place] = {}
        """By the number of the watch."""

    def names(self, folder: int, order: str, read: Callable[[], Names]) -> Names:
        """Return the names in an open folder, as kept or as they are read now.

        Parameters
        ----------
        order
            In which they are read.
        """
        with self._lock:
            watched = self._watched_now(folder)
            if watched is not None and order in watched.names:
                return watched.names[order]
        found = read()
        if watched is not None:
            with self._lock:
                self._keep(watched, order, found)
        return found

    def _watched_now(self, folder: int) -> _Watched | None:
        """Return what is known of a folder, watched from now on if it was not; None where the system cannot."""
        status = os.fstat(folder)
        place, changed_at = (status.st_dev, status.st_ino), (status.st_mtime_ns, status.st_ctime_ns)
        self._take_notice()
        known = self._watched.get(place)
        if known and known.changed_at == changed_at and time.monotonic() - known.since < KEPT_SECONDS:
            self._watched.move_to_end(place)
            return known
        if known:
            self._forget(place)
        return self._watch(folder, place, changed_at)

    def _watch(self, folder: int, place: Place, changed_at: tuple[int, int]) -> _Watched | None:
        try:
            if self._notices is None:
                self._notices = INotify()
                weakref.finalize(self, self._notices.close)
            watch = self._notices.add_watch(f"/proc/self/fd/{folder}", _CHANGES | _ONCE)
        except OSError:  # so many watches, or folders of such a kind, the system does not have
            return None
        self._places[watch] = place
        self._watched[place] = _Watched(watch=watch, changed_at=changed_at, since=time.monotonic())
        self._make_room()
        return self._watched.get(place)

    def _take_notice(self) -> None:
        """Forget the folders of which the system has told a change."""
        for event in self._notices.read(timeout=0) if self._notices else ():
            if event.mask & flags.Q_OVERFLOW:  # of which ones, nobody knows
                for place in list(self._watched):
                    self._forget(place)
            elif event.wd in self._places:
                self._forget(self._places[event.wd])

    def _forget(self, place: Place) -> None:
        watched = self._watched.pop(place)
        watched.is_changed = True
        del self._places[watched.watch]
        with suppress(OSError):  # it ended by itself as it told of a change
            if self._notices:
                self._notices.rm_watch(watched.watch)

    def _keep(self, watched: _Watched, order: str, found: Names) -> None:
        """Keep what was read, unless the folder changed meanwhile."""
        self._take_notice()
        if watched.is_changed:
            return
        if len(found[0]) < FEWEST_NAMES:
            self._forget(self._places[watched.watch])
            return
        watched.names[order] = found
        self._make_room()

    def _make_room(self) -> None:
        """Forget what was looked at longest ago, until the rest is not too much."""
        kept = sum(watched.size for watched in self._watched.values())
        while len(self._watched) > MOST_FOLDERS or kept > self._most_names:
            place, watched = next(iter(self._watched.items()))
            kept -= watched.size
            self._forget(place)
