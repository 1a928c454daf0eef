"""A person's files from outside: listed, read, and written piece by piece."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import BinaryIO

from avi_kernel.protocol.files import (
    FileDigest,
    FileEntry,
    FolderView,
    FoundView,
    UnfinishedUpload,
    UnfinishedView,
    UploadBegin,
    UploadView,
)
from gavip_hub.clock import Clock
from gavip_hub.config import MB
from gavip_hub.domain.userpaths import checked, is_shared, writable
from gavip_hub.exceptions import BadParameter, GavipError, Taken, TooManyBegun
from gavip_hub.services.quotas import QuotaService
from gavip_hub.services.shared_files import SharedFiles
from gavip_hub.storage import spaces
from gavip_hub.storage.database import Database
from gavip_hub.storage.disk import DiskSpace
from gavip_hub.storage.uploads import KEPT_SECONDS, Unfinished, Upload, Uploads, upload_of
from gavip_hub.storage.userfiles import (
    MOST_LISTED,
    Found,
    Order,
    UserFiles,
    digest_of,
    is_mostly_holes,
)

log = logging.getLogger(__name__)
MOST_PICKED = 200
MOST_FOLDERS = 20
"""That are looked into for files to pick from."""
MOST_UPLOADS = 8
"""Of one person, that have begun and are not finished."""
MOST_FOUND = 200
MOST_LOOKED_AT = 50_000
"""Files and folders in one search."""


class WhenTaken(StrEnum):
    """What becomes of a file that comes where another lies."""

    REFUSE = "refuse"
    REPLACE = "replace"
    KEEP_BOTH = "keep-both"


@dataclass(frozen=True, kw_only=True)
class Announced:
    """A file that a browser is about to send."""

    path: str
    size: int
    mark: str = ""
    """When it was changed last, as its sender says: it tells one file from another of the same name and size."""
    taken: WhenTaken = WhenTaken.REFUSE


class FileService:
    """Files of users' spaces.

    Parameters
    ----------
    quotas
        Whose lock on a user's pool keeps two uploads at once from passing the quota together.
    """

    def __init__(
        self,
        *,
        database: Database,
        quotas: QuotaService,
        files: UserFiles,
        shared: SharedFiles,
        uploads: Uploads,
        disk: DiskSpace,
        clock: Clock,
        portal: str = "/services/gavip",
    ) -> None:
        self._database = database
        self._quotas = quotas
        self._files = files
        self._shared = shared
        self._uploads = uploads
        self._disk = disk
        self._clock = clock
        self._portal = portal

    def folder(
        self,
        *,
        owner: str,
        path: str,
        order: Order = Order.NAME,
        offset: int = 0,
        limit: int = MOST_LISTED,
    ) -> FolderView:
        """Return a page of what lies in a folder.

        Raises
        ------
        NotFound
            There is no such folder.
        """
        parts = checked(path, whole_space=True)
        kept = self._shared if is_shared(parts) else self._files
        listed = kept.listed(owner, parts, order=order, offset=offset, limit=limit)
        items = [entry_of(parts, one) for one in listed.found]
        return FolderView(path="/".join(parts), items=items, more=listed.more, total=listed.total)

    def find(self, *, owner: str, path: str, text: str) -> FoundView:
        """Return what below a folder has all these words in its name; a large space is looked through in part.

        Raises
        ------
        NotFound
            There is no such folder.
        BadParameter
            Nothing is searched for.
        """
        first, *others = text.casefold().split() or [""]
        if not first:
            raise BadParameter("Say a part of a name, as stars or .csv.", field="text")
        parts = checked(path, whole_space=True)

        def fits(name: str) -> bool:
            folded = name.casefold()
            return first in folded and all(word in folded for word in others)

        found, more = self._files.named(owner, parts, fits=fits, most=MOST_FOUND, most_seen=MOST_LOOKED_AT)
        return FoundView(items=[entry_of((*parts, *below[:-1]), one) for below, one in found], more=more)

    def some(self, *, owner: str) -> list[str]:
        """Return paths of files that lie at the top of a space or in a folder of it, to pick one from."""
        found: list[str] = []
        folders = [""]
        while folders and len(found) < MOST_PICKED:
            path = folders.pop(0)
            try:
                items = self.folder(owner=owner, path=path).items
            except GavipError:  # gone since it was seen
                continue
            found += [item.path for item in items if not item.is_folder]
            if not path:
                folders = [item.path for item in items if item.is_folder and item.path != "jobs"][
                    :MOST_FOLDERS
                ]
        return found[:MOST_PICKED]

    def open(self, *, owner: str, path: str) -> BinaryIO:
        """Open a file; the caller closes it.

        Raises
        ------
        NotFound
            There is no such file.
        """
        parts = checked(path)
        return (self._shared if is_shared(parts) else self._files).open(owner, parts)

    def digest(self, *, owner: str, path: str) -> FileDigest:
        """Return a file's digest, for whom copied it.

        Raises
        ------
        NotFound
            There is no such file.
        BadParameter
            Most of it are holes.
        """
        with self.open(owner=owner, path=path) as file:
            if is_mostly_holes(file):
                raise BadParameter(f"{path[:80]} is mostly holes; pack it, and copy that.", field="path")
            sha256 = digest_of(file)
            return FileDigest(path="/".join(checked(path)), size=file.tell(), sha256=sha256)

    def begin(self, *, owner: str, groups: Iterable[str], asked: UploadBegin) -> UploadView:
        """Begin to take a file, or tell how much of it has come already.

        Raises
        ------
        SpaceFull
            It does not fit into the quota.
        TooManyBegun
            They are to be finished or given up first.
        DiskFull
            The platform's disk is full.
        """
        upload = upload_of(owner=owner, parts=writable(asked.path), size=asked.size, sha256=asked.sha256)
        return _view(upload, self._begin(owner, groups, upload))

    def announce(self, *, owner: str, groups: Iterable[str], announced: Announced) -> UploadView:
        """Begin to take a file whose digest nobody knows yet, as `begin` does.

        Raises
        ------
        Taken
            Something lies there, and it is said neither to replace it nor to choose another name.
        """
        parts = writable(announced.path)
        upload = upload_of(
            owner=owner,
            parts=parts,
            size=announced.size,
            mark=f"{announced.mark}-{announced.taken}",
            replaces=announced.taken is WhenTaken.REPLACE,
        )
        if announced.taken is WhenTaken.REFUSE and self._files.exists(owner, parts):
            raise Taken(f"{'/'.join(parts)} is there already: replace it, or keep both.")
        return _view(upload, self._begin(owner, groups, upload))

    def _begin(self, owner: str, groups: Iterable[str], upload: Upload) -> int:
        self._disk.require_room()
        self._uploads.remove_old()
        with self._database.transaction() as session:
            self._quotas.hold(session, owner)
            others = [one for name, one in self._uploads.begun(owner).items() if name != upload.id]
            if len(others) >= MOST_UPLOADS:
                raise TooManyBegun(
                    f"{len(others)} of your files have begun to come and are not finished, and {MOST_UPLOADS} may at once: "
                    "go on with one, or give one up. They are listed as Not finished on the page of your files, "
                    f"{self._portal}/files#unfinished, and by `gavip data uploads`."
                )
            coming_mb = sum(one.size for one in [*others, upload]) / MB
            self._quotas.require_fit(session, owner=owner, groups=groups, coming_mb=coming_mb)
            return self._uploads.begin(owner, upload)

    def unfinished(self, *, owner: str) -> UnfinishedView:
        """Return what has begun to come and is not whole."""
        items = [_unfinished_view(one) for one in self._uploads.unfinished(owner)]
        return UnfinishedView(items=items, size=sum(one.size for one in items), most=MOST_UPLOADS)

    def come(self, *, owner: str, upload: str) -> tuple[int, int]:
        """Return how much of a file has come, and its size; one that has come whole is put in its place first.

        Raises
        ------
        NotFound
            Nothing of theirs comes under this name.
        """
        offset, size = self._uploads.come(owner, upload)
        if offset == size and upload in self._uploads.begun(owner):
            self.finish(owner=owner, upload=upload)
        return offset, size

    def append(self, *, owner: str, upload: str, offset: int, content: bytes) -> UploadView:
        """Take a piece.

        Raises
        ------
        NotFound
            Nothing of theirs comes under this name.
        Conflict
            It does not follow what has come.
        """
        self._disk.require_room()
        found = self._uploads.get(owner, upload)
        return _view(found, self._uploads.append(owner, found, offset=offset, content=content))

    def finish(self, *, owner: str, upload: str) -> FileEntry:
        """Put a file that has come whole in its place.

        Raises
        ------
        NotFound
            Nothing of theirs comes under this name.
        Conflict
            It has not come whole, or is not what was announced.
        """
        wanted = self._uploads.get(owner, upload)
        parts, found = self._uploads.finish(owner, wanted)
        with self._database.transaction() as session:
            space = spaces.of(session, owner)
            # Rounded up, until it is measured again: many small files count as well.
            used_mb = (space.used_mb if space else 0) + found.size // MB + 1
            spaces.put(session, owner, used_mb=used_mb, at=space.measured_at if space else self._clock.now())
        log.info("%s wrote %s of %d bytes", owner, "/".join(parts), found.size)
        return entry_of(parts[:-1], found)

    def abandon(self, *, owner: str, upload: str) -> None:
        """Forget what came of a file.

        Raises
        ------
        NotFound
            Nothing of theirs comes under this name.
        Conflict
            It is being put in its place at this moment.
        """
        self._uploads.abandon(owner, self._uploads.get(owner, upload).id)


def entry_of(folder: Iterable[str], found: Found) -> FileEntry:
    """Return what is told of a file or folder, by the folder in which it lies."""
    return FileEntry(
        name=found.name,
        path="/".join([*folder, found.name]),
        is_folder=found.is_folder,
        size=None if found.is_folder else found.size,
        modified_at=datetime.fromtimestamp(found.modified, UTC),
        etag="" if found.is_folder else found.etag,
    )


def _view(upload: Upload, offset: int) -> UploadView:
    return UploadView(id=upload.id, path="/".join(upload.parts), size=upload.size, offset=offset)


def _unfinished_view(one: Unfinished) -> UnfinishedUpload:
    return UnfinishedUpload(
        **_view(one.upload, one.come).model_dump(),
        touched_at=datetime.fromtimestamp(one.touched, UTC),
        kept_until=datetime.fromtimestamp(one.touched + KEPT_SECONDS, UTC),
    )
