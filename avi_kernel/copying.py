"""Copies files between this machine and one's space on a platform; what breaks off goes on where it was."""

import hashlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from typing_extensions import override

from avi_kernel.downloads import Broke, Download, NotCopied, Pause, Progress, insist
from avi_kernel.transport import Conflict, NotFound, Transport, Unavailable

PIECE = 2 * 1024 * 1024
PATIENCE = 900.0
"""Seconds for a digest of a file of many GB."""
Steps = Callable[[int], None]
"""Called with the bytes that one more step has brought."""


@dataclass(frozen=True, kw_only=True)
class Copied:
    """One file that is now in both places."""

    source: str
    target: str
    size: int
    sha256: str
    was_there: bool = False
    """It lay there already, with the same content."""


class Copier:
    """Copies files, one after the other.

    Parameters
    ----------
    progress
        Told of every step; a step back, where a file has to begin anew, is negative.
    pause
        Waits before the next try, for seconds that grow.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        progress: Steps = lambda _: None,
        pause: Pause = time.sleep,
    ) -> None:
        self._transport = transport
        self.progress = progress
        self._pause = pause
        self._shown = 0

    def listed(self, path: str) -> list[dict[str, Any]]:
        """Return what lies in a folder of the space.

        Raises
        ------
        NotFound
            There is no such folder.
        """
        found: list[dict[str, Any]] = []
        while True:
            page = {"offset": len(found)} if found else {}
            answer = self._transport.request("GET", "/data", params={"path": path, **page}).json()
            found += answer["items"]
            if not answer.get("more"):
                return found
            if not answer["items"]:
                raise NotCopied(
                    f"{path or 'your space'} holds more than is looked at: copy its folders one by one."
                )

    def upload(self, source: Path, target: str) -> Copied:
        """Copy a file to the space.

        Raises
        ------
        ApiError
            The platform refused, or was away for too long.
        """
        self._shown = 0
        with source.open("rb") as file:
            copied = Copied(
                source=str(source), target=target, size=source.stat().st_size, sha256=_digest(file)
            )
            if self._is_there(copied):
                self._at(copied.size)
                return Copied(**{**vars(copied), "was_there": True})
            insist(lambda: self._send(file, copied), pause=self._pause)
        return copied

    def download(self, source: str, target: Path) -> Copied:
        """Copy a file from the space; it is in its place whole, or not at all.

        Raises
        ------
        ApiError
            The platform refused, or was away for too long.
        NotCopied
            It was changed meanwhile.
        """
        download = Download(
            self._transport,
            "/data/content",
            target,
            params={"path": source},
            progress=_Told(self.progress),
            pause=self._pause,
        )
        come = download.fetch()
        # Where nobody answers this, nothing has to come again.
        if self._told_digest(source) != come.sha256:
            raise download.discarded(f"{source} changed while it was copied: copy it again.")
        download.settle()
        return Copied(source=source, target=str(target), size=come.size, sha256=come.sha256)

    def _send(self, file: BinaryIO, copied: Copied) -> None:
        body = {"path": copied.target, "size": copied.size, "sha256": copied.sha256}
        have = 0
        try:
            begun = self._transport.request("POST", "/data/uploads", json=body).json()
            have = self._at(int(begun["offset"]))
            here = f"/data/uploads/{begun['id']}"
            while have < copied.size:
                file.seek(have)
                have = self._at(self._append(here, have, file.read(PIECE)))
            self._finish(here, copied)
        except Unavailable as error:
            raise Broke(have, error) from error

    def _append(self, upload: str, offset: int, piece: bytes) -> int:
        if not piece:
            raise NotCopied("The file became shorter while it was copied: copy it again.")
        headers = {"Content-Type": "application/octet-stream"}
        try:
            answer = self._transport.request(
                "POST", upload, params={"offset": offset}, content=piece, headers=headers
            )
        except (Conflict, NotFound) as error:
            raise Broke(offset, error) from error  # the platform has more, or less, than was known here
        return int(answer.json()["offset"])

    def _finish(self, upload: str, copied: Copied) -> None:
        try:
            self._transport.request("POST", f"{upload}/finish", silence=PATIENCE)
        except (Unavailable, NotFound):
            # Its answer may have been lost, and not what it did.
            if not self._is_there(copied):
                raise

    def _is_there(self, copied: Copied) -> bool:
        try:
            return self._told_digest(copied.target) == copied.sha256
        except NotFound:
            return False

    def _told_digest(self, path: str) -> str:
        answer = self._transport.request("GET", "/data/digest", params={"path": path}, silence=PATIENCE)
        return str(answer.json()["sha256"])

    def _at(self, have: int) -> int:
        """Tell how far the file is, and return it."""
        self.progress(have - self._shown)
        self._shown = have
        return have


class _Told(Progress):
    """Passes on how far a download is."""

    def __init__(self, steps: Steps) -> None:
        self._steps = steps

    @override
    def steps(self, more: int) -> None:
        self._steps(more)


def _digest(file: BufferedReader) -> str:
    return hashlib.file_digest(file, "sha256").hexdigest()


def files_below(folder: Path) -> Iterator[PurePosixPath]:
    """Yield the files below a folder of this machine, by name; hidden ones and links stay where they are."""
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith(".") or entry.is_symlink():
            continue
        if entry.is_dir():
            yield from (PurePosixPath(entry.name) / below for below in files_below(entry))
        elif entry.is_file():
            yield PurePosixPath(entry.name)
