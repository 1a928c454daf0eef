"""Files that jobs read: found when a job is asked for, hashed beside it while it runs."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import BinaryIO

from pydantic import JsonValue

from avi_kernel.protocol.manifest import PipelineSpec
from gavip_hub.domain.userpaths import checked
from gavip_hub.exceptions import BadParameter, GavipError, NotFound
from gavip_hub.storage.provenance_schema import Input
from gavip_hub.storage.userfiles import UserFiles, digest_of, is_mostly_holes

WAITING, HASHED, SAME, CHANGED, GONE, HOLES = "waiting", "hashed", "same", "changed", "gone", "holes"
SHARED = "shared"
SharedFile = tuple[BinaryIO, str | None]
"""A file below `shared/`, and the id of the product that it is of; None: an operator put it there."""
OpenShared = Callable[[str, Sequence[str]], SharedFile]


def nothing_is_shared(_reader: str, parts: Sequence[str]) -> SharedFile:
    """Open nothing: on a platform where nobody shares."""
    raise NotFound(f"Nothing is shared with you under {'/'.join(parts)[:80]}.")


@dataclass(frozen=True, kw_only=True)
class Named:
    """A file that a job is to read."""

    parameter: str
    path: str
    size: int
    product: str | None

    def row(self, job: str) -> Input:
        """Return it as it is kept."""
        return Input(
            job=job,
            parameter=self.parameter,
            path=self.path,
            size=self.size,
            product=self.product,
            state=WAITING,
        )


@dataclass(frozen=True, kw_only=True)
class Content:
    """What a file held when it was read."""

    size: int
    stamp: str
    sha256: str | None
    state: str


class InputFiles:
    """Opens what jobs read: a user's own files, and what others share with them.

    Parameters
    ----------
    shared
        Opens, for a reader, a file below `shared/`; raises NotFound where they may not read it.
    """

    def __init__(self, *, files: UserFiles, shared: OpenShared = nothing_is_shared) -> None:
        self._files = files
        self._shared = shared

    def named(self, owner: str, pipeline: PipelineSpec, parameters: Mapping[str, JsonValue]) -> list[Named]:
        """Return the files that a job's parameters name.

        Raises
        ------
        BadParameter
            One is not there, with what would help.
        """
        files = [spec.name for spec in pipeline.parameters if spec.type == "file" and spec.name in parameters]
        return [self._named(owner, name, str(parameters[name])) for name in files]

    @contextmanager
    def opened(self, owner: str, path: str) -> Iterator[tuple[BinaryIO, str | None]]:
        """Give a file, and the product that it is a part of.

        Raises
        ------
        NotFound
            There is no such file.
        """
        parts = checked(path)
        file, product = (
            self._shared(owner, parts) if parts[0] == SHARED else (self._files.open(owner, parts), None)
        )
        with file:
            yield file, product

    def stamp(self, owner: str, path: str) -> str:
        """Return what changes whenever a file is written or exchanged; empty where it is gone."""
        try:
            with self.opened(owner, path) as (file, product):
                return stamp_of(os.fstat(file.fileno()), lasts=product is not None)
        except GavipError:
            return ""

    def content(self, owner: str, path: str, *, since: datetime | None = None) -> Content:
        """Read a file from start to end.

        Parameters
        ----------
        since
            When somebody else began to read it: a file that was touched later is another one for them.
        """
        try:
            with self.opened(owner, path) as (file, product):
                return _content(file, since, lasts=product is not None)
        except (GavipError, OSError):  # what the disk does not give is not there
            return Content(size=0, stamp="", sha256=None, state=GONE)

    def _named(self, owner: str, parameter: str, path: str) -> Named:
        try:
            with self.opened(owner, path) as (file, product):
                size = os.fstat(file.fileno()).st_size
        except GavipError:
            raise BadParameter(
                f"{parameter}: there is no file {path[:80]!r} in your space: upload it, or pick one that is there",
                field=parameter,
            ) from None
        return Named(parameter=parameter, path=path, size=size, product=product)


def stamp_of(status: os.stat_result, *, lasts: bool = False) -> str:
    """Return what changes with each write; the time of the last change is the kernel's, and nobody can set it back.

    Parameters
    ----------
    lasts
        It is the platform's own and never written: there only its links change, which are shown to more readers or fewer.
    """
    written = f"{status.st_ino:x}-{status.st_size:x}-{status.st_mtime_ns:x}"
    return written if lasts else f"{written}-{status.st_ctime_ns:x}"


def _content(file: BinaryIO, since: datetime | None, *, lasts: bool) -> Content:
    before = os.fstat(file.fileno())
    stamp = stamp_of(before, lasts=lasts)
    if is_mostly_holes(file):
        return Content(size=before.st_size, stamp=stamp, sha256=None, state=HOLES)
    sha256 = digest_of(file)
    after = os.fstat(file.fileno())
    touched = not lasts and since is not None and datetime.fromtimestamp(after.st_ctime, UTC) > since
    state = CHANGED if touched or stamp != stamp_of(after, lasts=lasts) else HASHED
    return Content(size=after.st_size, stamp=stamp, sha256=sha256, state=state)
