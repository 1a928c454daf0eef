"""What users deleted: kept outside of their spaces for a while, each thing with a record of where it lay.

The record is written first, then the thing moves by one rename. So after a crash either lies where it was, with a record that
names nothing, or it lies here with its record; the former is tidied away.
"""

import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from gavip_hub.exceptions import NotFound
from gavip_hub.storage.aside import Aside
from gavip_hub.storage.beneath import check_part, opened_folder
from gavip_hub.storage.file_moves import FileMoves
from gavip_hub.storage.renaming import put_free, rename_new
from gavip_hub.storage.userfiles import UserFiles, found_in
from gavip_hub.trees import is_folder

KEPT = timedelta(days=30)
MOST_SHOWN = 1000
"""Things of a bin that are listed, the last deleted first."""
YOUNG_SECONDS = 600.0
"""A record without its thing may be that of a deletion at this moment."""
_RECORD, _PARTIAL, _THING = ".json", ".partial", ".thing"


@dataclass(frozen=True, kw_only=True)
class Binned:
    """Something in a bin."""

    id: str
    """Those that were deleted together begin alike, up to the hyphen; later ones sort after earlier ones."""
    parts: tuple[str, ...]
    """Where it lay."""
    is_folder: bool
    size: int | None
    """Bytes of a file."""
    at: datetime

    @property
    def until(self) -> datetime:
        """When it is deleted for good."""
        return self.at + KEPT


class Bin:
    """The bins of all users, out of every box's reach.

    Parameters
    ----------
    root
        The data root.
    """

    def __init__(self, *, root: Path, files: UserFiles, moves: FileMoves, aside: Aside) -> None:
        self._root = root
        self._files = files
        self._moves = moves
        self._aside = aside

    def put(self, owner: str, parts: Sequence[str], *, name: str, at: datetime) -> Binned:
        """Move a file or folder of somebody's space to their bin, under a name that nothing there has.

        Raises
        ------
        NotFound
            There is none.
        """
        return self._put(owner, parts, name=name, at=at, act=rename_new)

    def replace(
        self, owner: str, parts: Sequence[str], by: tuple[int, str], *, name: str, at: datetime
    ) -> None:
        """Move what lies at a place to the bin, and something else of an open folder there.

        A file is in its place until the other is: the bin gets a second name of it first. Between the two moves of a folder
        its place is empty, and whoever asks again after a crash gets what they asked for.

        Raises
        ------
        NotFound
            What lies there is not there any more, or is a link, a pipe or a device.
        """
        here, source = by
        with self._files.parent(owner, parts) as folder:
            keeps_place = not (is_folder(folder, parts[-1]) or is_folder(here, source))
            self._put(owner, parts, name=name, at=at, act=_second_name if keeps_place else rename_new)
            try:
                if keeps_place:
                    os.rename(source, parts[-1], src_dir_fd=here, dst_dir_fd=folder)
                else:
                    rename_new(here, source, folder, parts[-1])
            except OSError:
                (self.remove if keeps_place else self.restore)(owner, name)
                raise

    def _put(
        self,
        owner: str,
        parts: Sequence[str],
        *,
        name: str,
        at: datetime,
        act: Callable[[int, str, int, str], None],
    ) -> Binned:
        with self._files.parent(owner, parts) as folder, self._of(owner) as bin_:
            found = found_in(folder, parts[-1])
            size = None if found.is_folder else found.size
            binned = Binned(id=name, parts=tuple(parts), is_folder=found.is_folder, size=size, at=at)
            self._record(owner, binned)
            try:
                act(folder, parts[-1], bin_, name + _THING)
            except FileNotFoundError:
                self._forget(owner, name)
                raise NotFound(f"There is no {'/'.join(parts)}.") from None
            except OSError:
                self._forget(owner, name)
                raise
            return binned

    def listed(self, owner: str, *, most: int = MOST_SHOWN) -> list[Binned]:
        """Return what lies in somebody's bin, the last deleted first."""
        names = self._names(owner)
        whole = (name.removesuffix(_THING) for name in names if name.endswith(_THING))
        ids = sorted((name for name in whole if name + _RECORD in names), reverse=True)
        return [found for name in ids[:most] if (found := self._read(owner, name))]

    def get(self, owner: str, name: str) -> Binned:
        """Return one of them.

        Raises
        ------
        NotFound
            There is none: it was restored, or deleted for good.
        """
        found = self._read(owner, check_part(name))
        if found is None or not os.path.lexists(self._folder(owner) / (name + _THING)):
            raise NotFound("It is not in your bin any more: it was restored, or deleted for good.")
        return found

    def restore(self, owner: str, name: str) -> tuple[str, ...]:
        """Put something back where it lay, under another name where that is taken; return where it lies.

        Raises
        ------
        NotFound
            It is not in the bin any more.
        Conflict
            A folder of the way is something else now.
        """
        binned = self.get(owner, name)
        with self._of(owner) as bin_, self._moves.place(owner, binned.parts) as (to, _):
            try:
                free = put_free(bin_, name + _THING, to, binned.parts[-1])
            except FileNotFoundError:
                raise NotFound("It is not in your bin any more.") from None
        self._forget(owner, name)
        return (*binned.parts[:-1], free)

    def remove(self, owner: str, name: str) -> None:
        """Delete something for good; no harm where it is gone.

        The record goes last: until then the thing would be found again.
        """
        with self._of(owner) as bin_, suppress(FileNotFoundError):
            self._aside.drop(bin_, check_part(name) + _THING)
        self._forget(owner, name)
        self._moves.note(owner)

    def empty(self, owner: str) -> int:
        """Delete all of it for good; return how many things that were."""
        ids = {Path(name).stem for name in self._names(owner)}
        for name in ids:
            self.remove(owner, name)
        return len(ids)

    def owners(self) -> list[str]:
        """Return who has a bin."""
        folder = self._root / "bin"
        return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []

    def tidy(self, now: datetime) -> None:
        """Delete what was kept for long enough, and what a crash left of a deletion or a restoration."""
        for owner in self.owners():
            names = self._names(owner)
            for name in {Path(each).stem for each in names}:
                self._tidy_one(owner, name, now, has_thing=name + _THING in names)

    def _tidy_one(self, owner: str, name: str, now: datetime, *, has_thing: bool) -> None:
        record = self._read(owner, name)
        if record is None and has_thing:
            self._record(owner, _unknown(name, now))
        elif record is None or not has_thing:
            if self._age(owner, name) > YOUNG_SECONDS:
                self._forget(owner, name)
        elif record.until < now:
            self.remove(owner, name)

    def _age(self, owner: str, name: str) -> float:
        """Return the seconds since a record, or a part of one, was written; no end of them where it is gone meanwhile."""
        written = float("-inf")
        for kind in (_RECORD, _PARTIAL):
            with suppress(FileNotFoundError):
                written = max(written, (self._folder(owner) / (name + kind)).stat().st_mtime)
        return time.time() - written

    def _record(self, owner: str, binned: Binned) -> None:
        """Write a record whole, and have the disk hold it before the thing moves."""
        told = {**asdict(binned), "at": binned.at.isoformat()}
        path = self._folder(owner) / (binned.id + _RECORD)
        partial = path.with_suffix(_PARTIAL)
        with partial.open("w") as file:
            json.dump(told, file)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)

    def _read(self, owner: str, name: str) -> Binned | None:
        with suppress(OSError, ValueError, TypeError, KeyError):
            told: dict[str, Any] = json.loads((self._folder(owner) / (name + _RECORD)).read_text())
            return Binned(**{**told, "parts": tuple(told["parts"]), "at": datetime.fromisoformat(told["at"])})
        return None

    def _forget(self, owner: str, name: str) -> None:
        for kind in (_RECORD, _PARTIAL):
            (self._folder(owner) / (name + kind)).unlink(missing_ok=True)

    def _names(self, owner: str) -> set[str]:
        folder = self._folder(owner)
        return {path.name for path in folder.iterdir()} if folder.is_dir() else set()

    def _folder(self, owner: str) -> Path:
        return self._root / "bin" / check_part(owner)

    @contextmanager
    def _of(self, owner: str) -> Iterator[int]:
        with opened_folder(self._root, ["bin", owner], make=True) as folder:
            yield folder


def _unknown(name: str, now: datetime) -> Binned:
    """Return the record of a thing whose own was lost: better an odd name than a lost file."""
    return Binned(id=name, parts=(f"restored-{name}",), is_folder=False, size=None, at=now)


def _second_name(folder: int, name: str, to_folder: int, to_name: str) -> None:
    os.link(name, to_name, src_dir_fd=folder, dst_dir_fd=to_folder, follow_symlinks=False)
