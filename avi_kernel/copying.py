"""Copies files between this machine and one's space on a platform; what breaks off goes on where it was."""

import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, BinaryIO

from avi_kernel.transport import ApiError, Conflict, NotFound, Transport, Unavailable

if TYPE_CHECKING:
    import httpx

PIECE = 2 * 1024 * 1024
TRIES = 6
"""In a row with nothing gained, after which a copy is given up."""
PATIENCE = 900.0
"""Seconds for a digest of a file of many GB."""
_PARTIAL, _BEYOND = 206, 416
Progress = Callable[[int], None]
"""Called with the bytes that one more step has brought."""


class NotCopied(ApiError):
    """What came is not what was sent."""


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
        progress: Progress = lambda _: None,
        pause: Callable[[float], None] = time.sleep,
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
        answer = self._transport.request("GET", "/data", params={"path": path}).json()
        if answer.get("more"):
            raise NotCopied(
                f"{path or 'your space'} holds more than is listed at once: copy its folders one by one."
            )
        found: list[dict[str, Any]] = answer["items"]
        return found

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
            self._insist(lambda: self._send(file, copied))
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
        self._shown = 0
        part = target.with_name(f".{target.name}.gavip-part")
        told = target.with_name(f".{target.name}.gavip-etag")
        self._insist(lambda: self._fetch(source, part, told))
        with part.open("rb") as file:
            sha256 = _digest(file)
        is_whole = self._told_digest(source) == sha256
        told.unlink(missing_ok=True)  # only now: where nobody answers, nothing has to come again
        if not is_whole:
            part.unlink()
            raise NotCopied(f"{source} changed while it was copied: copy it again.")
        size = part.stat().st_size
        part.replace(target)
        return Copied(source=source, target=str(target), size=size, sha256=sha256)

    def _insist(self, act: Callable[[], None]) -> None:
        """Try until it is done; give up after some tries in a row that brought nothing."""
        had, tries = -1, 0
        while True:
            try:
                act()
            except _Broke as broke:
                tries = 0 if broke.had > had else tries + 1
                had = max(had, broke.had)
                if tries >= TRIES:
                    raise broke.why from None
                self._pause(min(10.0, 0.25 * 2**tries))
            else:
                return

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
            raise _Broke(have, error) from error

    def _append(self, upload: str, offset: int, piece: bytes) -> int:
        if not piece:
            raise NotCopied("The file became shorter while it was copied: copy it again.")
        headers = {"Content-Type": "application/octet-stream"}
        try:
            answer = self._transport.request(
                "POST", upload, params={"offset": offset}, content=piece, headers=headers
            )
        except (Conflict, NotFound) as error:
            raise _Broke(offset, error) from error  # the platform has more, or less, than was known here
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

    def _fetch(self, source: str, part: Path, told: Path) -> None:
        have, etag = _begun(part, told)
        self._at(have)
        asked = {"Range": f"bytes={have}-", "If-Range": etag} if etag and have else {}
        try:
            with self._transport.opened(
                "/data/content", params={"path": source}, headers=asked, accepted=frozenset({_BEYOND})
            ) as answer:
                if answer.status_code == _BEYOND:
                    self._complete_or_anew(answer, part, told, have)
                    return
                told.write_text(answer.headers.get("Etag", ""))
                self._take(answer, part, have if answer.status_code == _PARTIAL else 0)
        except Unavailable as error:
            raise _Broke(part.stat().st_size if part.exists() else 0, error) from error

    def _complete_or_anew(self, answer: "httpx.Response", part: Path, told: Path, have: int) -> None:
        """Take a refused range for what it is: nothing is missing, or the file is another now."""
        if answer.headers.get("Content-Range") == f"bytes */{have}":
            return
        told.unlink(missing_ok=True)
        part.unlink(missing_ok=True)
        raise _Broke(0, Unavailable("The file changed while it was copied."))

    def _take(self, answer: "httpx.Response", part: Path, have: int) -> None:
        with part.open("r+b" if have else "wb") as file:
            file.seek(have)
            file.truncate()
            for piece in answer.iter_bytes():
                file.write(piece)
                have = self._at(have + len(piece))

    def _at(self, have: int) -> int:
        """Tell how far the file is, and return it."""
        self.progress(have - self._shown)
        self._shown = have
        return have


class _Broke(Exception):
    """A copy broke off, and may go on."""

    def __init__(self, had: int, why: ApiError) -> None:
        super().__init__(str(why))
        self.had = had
        self.why = why


def _begun(part: Path, told: Path) -> tuple[int, str]:
    """Return how much of a download lies here, and of which content."""
    with suppress(OSError):
        return part.stat().st_size, told.read_text().strip()
    return 0, ""


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
