"""A person's files from outside: folders made, things moved and copied, deleted to the bin and brought back."""

import logging
import math
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from avi_kernel.protocol.files import BinEntry, BinView, CopiedView, EmptiedView, FileEntry, RestoredView
from gavip_hub.clock import Clock
from gavip_hub.config import MB
from gavip_hub.domain.userpaths import checked, target_of, writable
from gavip_hub.exceptions import BadParameter, Conflict, Taken
from gavip_hub.services.files import entry_of
from gavip_hub.services.quotas import QuotaService
from gavip_hub.storage import spaces
from gavip_hub.storage.aside import Aside
from gavip_hub.storage.bin import Bin, Binned
from gavip_hub.storage.database import Database
from gavip_hub.storage.disk import DiskSpace
from gavip_hub.storage.file_moves import MOST_COPIED, FileMoves
from gavip_hub.storage.ids import new_id
from gavip_hub.storage.userfiles import UserFiles

log = logging.getLogger(__name__)
TIDY_EVERY = timedelta(hours=1)
MOST_AT_ONCE = 1000
"""Things that are deleted or moved by one request."""


class FileMoveService:
    """Changes of what lies in users' spaces.

    Parameters
    ----------
    quotas
        Whose lock on a user's pool keeps two copies at once from passing the quota together.
    """

    def __init__(
        self,
        *,
        database: Database,
        quotas: QuotaService,
        files: UserFiles,
        moves: FileMoves,
        bin_: Bin,
        aside: Aside,
        disk: DiskSpace,
        clock: Clock,
    ) -> None:
        self._database = database
        self._quotas = quotas
        self._files = files
        self._moves = moves
        self._bin = bin_
        self._aside = aside
        self._disk = disk
        self._clock = clock
        self._tidied_at: datetime | None = None

    def make_folder(self, *, owner: str, path: str) -> FileEntry:
        """Make a folder.

        Raises
        ------
        Taken
            Something lies there.
        """
        parts = writable(path)
        return entry_of(parts[:-1], self._moves.make_folder(owner, parts))

    def move(self, *, owner: str, path: str, to: str) -> FileEntry:
        """Give a file or folder another name or place.

        Raises
        ------
        NotFound
            There is none.
        Taken
            Something lies there.
        """
        parts = writable(path)
        target = target_of(parts, to)
        return entry_of(target[:-1], self._moves.move(owner, parts, target))

    def copy(self, *, owner: str, groups: Iterable[str], path: str, to: str) -> CopiedView:
        """Copy a file or folder; results of jobs can be copied too.

        Raises
        ------
        NotFound
            There is none.
        Taken
            Something lies there.
        SpaceFull
            It does not fit into the quota.
        """
        parts = checked(path)
        target = target_of(parts, to)
        self._require_free(owner, target)
        room = self._measured(owner, parts)
        self._hold_room(owner, groups, coming_mb=math.ceil(room / MB))
        copied = self._moves.copy(owner, parts, target, room=room)
        log.info("%s copied %s: %d files, %d bytes", owner, "/".join(parts), copied.files, copied.size)
        return CopiedView(entry=entry_of(target[:-1], copied.found), files=copied.files, size=copied.size)

    def delete(self, *, owner: str, paths: Sequence[str]) -> list[BinEntry]:
        """Move files and folders to the bin; what is deleted together has names that begin alike.

        Raises
        ------
        NotFound
            One of them is not there; those before it are in the bin.
        """
        if not 0 < len(paths) <= MOST_AT_ONCE:
            raise BadParameter(f"Name 1 to {MOST_AT_ONCE} files or folders.", field="path")
        all_parts, now = [writable(path) for path in paths], self._clock.now()
        together = new_id("d", now=now)
        names = [f"{together}-{number:03}" for number in range(len(all_parts))]
        done = [
            self._bin.put(owner, parts, name=name, at=now)
            for parts, name in zip(all_parts, names, strict=True)
        ]
        log.info("%s deleted %d things", owner, len(done))
        return [_binned(one) for one in done]

    def bin(self, *, owner: str) -> BinView:
        """Return what lies in the bin."""
        return BinView(items=[_binned(one) for one in self._bin.listed(owner)])

    def restore(self, *, owner: str, name: str) -> RestoredView:
        """Put something back where it lay, under another name where that is taken.

        Raises
        ------
        NotFound
            It is not in the bin any more.
        """
        lay = self._bin.get(owner, name).parts
        lies = self._bin.restore(owner, name)
        return RestoredView(path="/".join(lies), renamed=lies != lay)

    def undo(self, *, owner: str, together: str) -> list[RestoredView]:
        """Put back all that was deleted together."""
        found = [one.id for one in self._bin.listed(owner) if one.id.rpartition("-")[0] == together]
        return [self.restore(owner=owner, name=name) for name in sorted(found)]

    def remove(self, *, owner: str, name: str) -> None:
        """Delete something of the bin for good.

        Raises
        ------
        NotFound
            It is not in the bin any more.
        """
        self._bin.remove(owner, self._bin.get(owner, name).id)

    def empty(self, *, owner: str) -> EmptiedView:
        """Delete all that lies in the bin for good."""
        return EmptiedView(deleted=self._bin.empty(owner))

    def look_after_bins(self) -> None:
        """Remove what was deleted for good and what is left of copies that broke off; seldom, look through all bins."""
        now = self._clock.now()
        if self._tidied_at is None or now - self._tidied_at > TIDY_EVERY:
            self._bin.tidy(now)
            self._tidied_at = now
        self._aside.sweep()

    def _require_free(self, owner: str, target: Sequence[str]) -> None:
        """Refuse early; the copy itself writes over nothing in any case."""
        if self._files.exists(owner, target):
            raise Taken(f"{'/'.join(target)} is there already: choose another name, or move that away first.")

    def _measured(self, owner: str, parts: Sequence[str]) -> int:
        """Return the bytes of a file, or of all files below a folder."""
        found = self._files.found(owner, parts)
        if not found.is_folder:
            return found.size
        total = 0
        for seen, step in enumerate(self._files.below(owner, parts)):
            if seen >= MOST_COPIED:
                raise Conflict(
                    f"It holds more than {MOST_COPIED} files and folders: copy its folders one by one."
                )
            total += 0 if step.found.is_folder else step.found.size
        return total

    def _hold_room(self, owner: str, groups: Iterable[str], *, coming_mb: int) -> None:
        """Count what is to come at once, so that nothing else takes its place; it is measured again afterwards."""
        self._disk.require_room(coming_mb)
        with self._database.transaction() as session:
            self._quotas.hold(session, owner)
            used = self._quotas.require_fit(session, owner=owner, groups=groups, coming_mb=coming_mb)
            space = spaces.of(session, owner)
            at = space.measured_at if space else self._clock.now()
            spaces.put(session, owner, used_mb=used + coming_mb, at=at)


def _binned(one: Binned) -> BinEntry:
    return BinEntry(
        id=one.id,
        path="/".join(one.parts),
        is_folder=one.is_folder,
        size=one.size,
        deleted_at=one.at,
        kept_until=one.until,
    )
