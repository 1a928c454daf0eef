"""Room in somebody's quota and on the disk for files that come while they are written."""

import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from gavip_hub.clock import Clock
from gavip_hub.config import MB
from gavip_hub.exceptions import DiskFull, SpaceFull
from gavip_hub.services.quotas import QuotaService
from gavip_hub.storage import spaces
from gavip_hub.storage.database import Database
from gavip_hub.storage.disk import DiskSpace
from gavip_hub.storage.marks import WriteMarks
from gavip_hub.storage.uploads import Uploads

STEP = 64 * MB
"""Bytes for which room is found at a time, where nobody said how many come."""


class SpaceRoom:
    """Finds room for what comes, and counts what came.

    Parameters
    ----------
    marks
        Tell the service whose space it is to measure.
    """

    def __init__(
        self,
        *,
        database: Database,
        quotas: QuotaService,
        uploads: Uploads,
        disk: DiskSpace,
        marks: WriteMarks,
        clock: Clock,
    ) -> None:
        self._database = database
        self._quotas = quotas
        self._uploads = uploads
        self._disk = disk
        self._marks = marks
        self._clock = clock
        self._lock = threading.Lock()
        self._coming: Counter[str] = Counter()
        self._uncounted: Counter[str] = Counter()

    @contextmanager
    def taking(self, owner: str, groups: Iterable[str], *, size: int | None = None) -> Iterator["Taking"]:
        """Keep room for something as long as it comes.

        Parameters
        ----------
        size
            Its bytes, where they are known.

        Raises
        ------
        SpaceFull
            It does not fit into the quota.
        DiskFull
            It does not fit on the platform's disk.
        """
        taking = Taking(room=self, owner=owner, groups=tuple(groups))
        try:
            taking.keep(size or 0)
            yield taking
        finally:
            with self._lock:
                self._coming[owner] -= taking.kept

    def reserve(self, owner: str, groups: Iterable[str], more: int) -> None:
        """Keep so many more bytes."""
        self._require_disk(more)
        with self._lock:
            with self._database.reading() as session:
                begun = sum(one.size for one in self._uploads.begun(owner).values())
                coming = self._coming[owner] + begun + more
                self._quotas.require_fit(session, owner=owner, groups=groups, coming_mb=coming / MB)
            self._coming[owner] += more

    def came(self, owner: str, size: int) -> None:
        """Count what lies in its place, until the space is measured again."""
        with self._lock:
            whole_mb, self._uncounted[owner] = divmod(self._uncounted[owner] + size, MB)
            self._marks.leave(owner)
            if whole_mb:
                with self._database.transaction() as session:
                    space = spaces.of(session, owner)
                    used_mb = (space.used_mb if space else 0) + whole_mb
                    at = space.measured_at if space else self._clock.now()
                    spaces.put(session, owner, used_mb=used_mb, at=at)

    def went(self, owner: str) -> None:
        """Have a space measured again of which something was removed."""
        self._marks.leave(owner)

    def figures(self, owner: str, groups: Iterable[str]) -> tuple[int, int | None]:
        """Return the bytes that somebody's files take and those that may come; None where nothing bounds them."""
        with self._database.reading() as session:
            space = spaces.of(session, owner)
        allowed, used = self._quotas.of(groups).space_mb, space.used_mb if space else 0
        return used * MB, None if allowed is None else max(0, allowed - used) * MB

    def _require_disk(self, more: int) -> None:
        reserve = self._disk.reserve_mb
        if reserve and self._disk.free_mb() - more / MB < reserve:
            raise DiskFull(
                f"The platform's disk has {self._disk.free_mb()} MB free and keeps {reserve} MB of them: {more / MB:.0f} MB "
                "more do not fit. Delete what you do not need, or try again later."
            )


@dataclass(kw_only=True)
class Taking:
    """What comes now."""

    room: SpaceRoom
    owner: str
    groups: tuple[str, ...]
    kept: int = 0
    come: int = 0

    def keep(self, more: int) -> None:
        """Keep more room."""
        self.room.reserve(self.owner, self.groups, more)
        self.kept += more

    def count(self, more: int) -> None:
        """Count bytes that are about to be written."""
        self.come += more
        short = self.come - self.kept
        if short <= 0:
            return
        try:
            self.keep(max(STEP, short))
        except (SpaceFull, DiskFull):
            self.keep(short)  # the last that fits
