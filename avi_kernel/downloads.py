"""Downloads from a platform to files of this machine: whole or not at all, and on where they broke off."""

import hashlib
import time
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from avi_kernel.transport import ApiError, Transport, Unavailable

if TYPE_CHECKING:
    import httpx

TRIES = 6
"""In a row with nothing gained, after which a copy is given up."""
MADE_WITHIN = 3600.0
"""Seconds for which a file is waited for that a platform makes first."""
_ACCEPTED, _PARTIAL, _BEYOND = 202, 206, 416
_SHORTEST, _LONGEST = 1.0, 60.0
"""Between two questions whether a file is made."""
_DIGEST = "sha-256=:"
Pause = Callable[[float], None]


class NotCopied(ApiError):
    """What came is not what was sent."""


class Progress:
    """Is told how far a download is; this one tells nobody."""

    def begins(self, size: int) -> None:
        """Be told how large the file is."""

    def steps(self, more: int) -> None:
        """Be told how many bytes more there are; a step back, where a file has to begin anew, is negative."""

    def waits(self, view: Mapping[str, Any]) -> None:
        """Be told what the platform says of a file that it makes first."""


@dataclass(frozen=True, kw_only=True)
class Downloaded:
    """A file that has come whole; it is not in its place yet."""

    part: Path
    size: int
    sha256: str


class Broke(Exception):
    """A copy broke off, and may go on."""

    def __init__(self, had: int, why: ApiError) -> None:
        super().__init__(str(why))
        self.had = had
        self.why = why


def insist(act: Callable[[], None], *, pause: Pause) -> None:
    """Try until it is done; give up after some tries in a row that brought nothing."""
    had, tries = -1, 0
    while True:
        try:
            act()
        except Broke as broke:
            tries = 0 if broke.had > had else tries + 1
            had = max(had, broke.had)
            if tries >= TRIES:
                raise broke.why from None
            pause(min(10.0, 0.25 * 2**tries))
        else:
            return


class Download:
    """One file on its way from a platform.

    What has come lies beside its place under a hidden name, with the tag of its content: who asks for the same again goes on
    there, unless the platform has another content now.

    Parameters
    ----------
    path, params
        Its address.
    target
        Where it is to lie.
    pause
        Waits for so many seconds.
    """

    def __init__(
        self,
        transport: Transport,
        path: str,
        target: Path,
        *,
        params: Mapping[str, Any] | None = None,
        progress: Progress | None = None,
        pause: Pause = time.sleep,
    ) -> None:
        self._transport = transport
        self._path = path
        self._params = dict(params or {})
        self._target = target
        self._progress = progress or Progress()
        self._pause = pause
        self._part = target.with_name(f".{target.name}.gavip-part")
        self._told = target.with_name(f".{target.name}.gavip-etag")
        self._shown = 0
        self._digest = ""
        """Of the whole file, where the platform told it."""

    def save(self) -> Path:
        """Have the file in its place, and return that.

        Raises
        ------
        ApiError
            The platform refused, or was away for too long.
        NotCopied
            What came is not what the platform says that it sent.
        """
        come = self.fetch()
        if self._digest and self._digest != come.sha256:
            raise self.discarded(f"{self._target.name} did not arrive as it was sent: download it again.")
        return self.settle()

    def fetch(self) -> Downloaded:
        """Have all of it beside its place."""
        insist(self._fetch, pause=self._pause)
        with self._part.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        return Downloaded(part=self._part, size=self._part.stat().st_size, sha256=sha256)

    def settle(self) -> Path:
        """Put what has come in its place."""
        self._told.unlink(missing_ok=True)
        return self._part.replace(self._target)

    def discarded(self, why: str) -> NotCopied:
        """Throw away what has come, and return that as an error."""
        self._told.unlink(missing_ok=True)
        self._part.unlink(missing_ok=True)
        return NotCopied(why)

    def _fetch(self) -> None:
        have, etag = self._begun()
        self._at(have)
        asked = {"Range": f"bytes={have}-", "If-Range": etag} if etag and have else {}
        try:
            with opened_when_made(
                self._transport,
                self._path,
                params=self._params,
                headers=asked,
                progress=self._progress,
                pause=self._pause,
            ) as answer:
                if answer.status_code == _BEYOND:
                    self._complete_or_anew(answer, have)
                    return
                self._told.write_text(answer.headers.get("Etag", ""))
                self._take(answer, have if answer.status_code == _PARTIAL else 0)
        except Unavailable as error:
            raise Broke(self._part.stat().st_size if self._part.exists() else 0, error) from error

    def _begun(self) -> tuple[int, str]:
        """Return how much of the file lies here, and of which content."""
        with suppress(OSError):
            return self._part.stat().st_size, self._told.read_text().strip()
        return 0, ""

    def _complete_or_anew(self, answer: "httpx.Response", have: int) -> None:
        """Take a refused range for what it is: nothing is missing, or the file is another now."""
        if answer.headers.get("Content-Range") == f"bytes */{have}":
            self._digest = _told_digest(answer)
            return
        self._told.unlink(missing_ok=True)
        self._part.unlink(missing_ok=True)
        raise Broke(0, Unavailable("The file changed while it was copied."))

    def _take(self, answer: "httpx.Response", have: int) -> None:
        self._digest = _told_digest(answer)
        if (length := answer.headers.get("Content-Length", "")).isdigit():
            self._progress.begins(have + int(length))
        with self._part.open("r+b" if have else "wb") as file:
            file.seek(have)
            file.truncate()
            for piece in answer.iter_bytes():
                file.write(piece)
                have = self._at(have + len(piece))

    def _at(self, have: int) -> int:
        """Tell how far the file is, and return it."""
        self._progress.steps(have - self._shown)
        self._shown = have
        return have


def content(transport: Transport, path: str, *, params: Mapping[str, Any]) -> bytes:
    """Return a download in memory; one that the platform makes first is waited for."""
    waits = _Waits(Progress(), time.sleep)
    while True:
        answer = transport.request("GET", path, params=params)
        if answer.status_code != _ACCEPTED:
            return answer.content
        waits.once_more(answer)


@contextmanager
def opened_when_made(
    transport: Transport,
    path: str,
    *,
    params: Mapping[str, Any],
    headers: Mapping[str, str] | None = None,
    progress: Progress | None = None,
    pause: Pause = time.sleep,
) -> Iterator["httpx.Response"]:
    """Open a download, of which nothing has been read; one that the platform makes first is waited for.

    A range beyond its end is no error here: its status tells.
    """
    waits = _Waits(progress or Progress(), pause)
    while True:
        with transport.opened(path, params=params, headers=headers, accepted=frozenset({_BEYOND})) as answer:
            if answer.status_code != _ACCEPTED:
                yield answer
                return
            answer.read()
        waits.once_more(answer)


class _Waits:
    """Waits as long as a platform says, and not for ever."""

    def __init__(self, progress: Progress, pause: Pause) -> None:
        self._progress = progress
        self._pause = pause
        self._waited = 0.0

    def once_more(self, answer: "httpx.Response") -> None:
        """Wait until it is worth asking again."""
        if self._waited > MADE_WITHIN:
            raise Unavailable("The platform has not made the file within an hour; ask again later.")
        with suppress(ValueError):
            view = answer.json()
            self._progress.waits(view if isinstance(view, dict) else {})
        told = answer.headers.get("Retry-After", "")
        seconds = min(_LONGEST, max(_SHORTEST, float(told) if told.isdigit() else _SHORTEST))
        self._waited += seconds
        self._pause(seconds)


def _told_digest(answer: "httpx.Response") -> str:
    """Return the SHA-256 of the whole file that an answer tells (RFC 9530); nothing where it tells none."""
    for told in answer.headers.get("Repr-Digest", "").split(","):
        text = told.strip()
        if text.startswith(_DIGEST) and text.endswith(":"):
            with suppress(ValueError):
                return b64decode(text.removeprefix(_DIGEST)[:-1], validate=True).hex()
    return ""
