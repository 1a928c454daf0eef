"""What a running attempt tells the platform, and how it waits out a platform that restarts.

Built on `http.client`: it loads in a few milliseconds, and it heeds no proxy settings, which in a box lead to the
archive and never to the platform.
"""

import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from avi_kernel.protocol.runs import JobDocument, Outcome, Progress

RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504, 507})
Report = Callable[[Progress, tuple[float, float]], None]
"""Takes progress, and where the present step begins in the whole and how much of it it is."""
DOCUMENT_PATIENCE = 300.0
OUTCOME_PATIENCE = 30.0
_LONGEST_PAUSE = 5.0
_PROGRESS_TIMEOUT = 10.0


class PlatformRefused(Exception):
    """The platform answered, and the answer was no."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"HTTP {status}: {message}")
        self.status = status


class PlatformSilent(Exception):
    """The platform could not be reached in the time there was."""


@dataclass(frozen=True, kw_only=True)
class Platform:
    """The address and the token of the one attempt that runs here.

    Attributes
    ----------
    url
        Of the API, without a slash at its end.
    token
        The attempt's; good for `/attempts/self` alone.
    request
        Id of the request that submitted the job: the platform's log names it with each report.
    """

    url: str
    token: str
    request: str = ""
    clock: Callable[[], float] = time.monotonic
    pause: Callable[[float], None] = time.sleep

    def document(self, *, patience: float = DOCUMENT_PATIENCE) -> JobDocument:
        """Fetch what is to be run, waiting for a service that restarts."""
        return JobDocument.model_validate_json(self._persistent("GET", "/attempts/self", None, patience))

    def progress(self, report: Progress) -> None:
        """Report once; the next heartbeat makes good a report that was lost.

        Raises
        ------
        PlatformRefused
            The token is dead: this attempt is over for the platform.
        PlatformSilent
            Nobody answered.
        """
        self._once("POST", "/attempts/self/progress", report.model_dump_json(), _PROGRESS_TIMEOUT)

    def outcome(self, outcome: Outcome, *, patience: float = OUTCOME_PATIENCE) -> None:
        """Report the end, waiting for a service that restarts; it finds the file when it stays away."""
        self._persistent("POST", "/attempts/self/outcome", outcome.model_dump_json(), patience)

    def _persistent(self, method: str, path: str, body: str | None, patience: float) -> bytes:
        deadline = self.clock() + patience
        for pause in _pauses():
            try:
                return self._once(method, path, body, _PROGRESS_TIMEOUT)
            except (PlatformRefused, PlatformSilent) as problem:
                final = isinstance(problem, PlatformRefused) and problem.status not in RETRIED
                if final or self.clock() + pause > deadline:
                    raise
            self.pause(pause)
        raise AssertionError  # the pauses never end

    def _once(self, method: str, path: str, body: str | None, timeout: float) -> bytes:
        place = urlsplit(self.url)
        kind = http.client.HTTPSConnection if place.scheme == "https" else http.client.HTTPConnection
        connection = kind(place.netloc, timeout=timeout)
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        headers |= {"X-Request-ID": self.request} if self.request else {}
        try:
            # As bytes: http.client would send text in Latin-1, and fail on the first dash.
            connection.request(method, place.path + path, None if body is None else body.encode(), headers)
            answer = connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise PlatformSilent(f"{self.url} does not answer: {error}") from error
        finally:
            connection.close()
        if answer.status >= http.client.BAD_REQUEST:
            raise PlatformRefused(answer.status, _reason(content))
        return content


def _pauses() -> Iterator[float]:
    pause = 0.1
    while True:
        yield pause
        pause = min(_LONGEST_PAUSE, pause * 1.7)


def _reason(content: bytes) -> str:
    try:
        body: Any = json.loads(content)
        return str(body["message"])
    except (ValueError, KeyError, TypeError):
        return content[:200].decode("utf-8", "replace")


class Reporter:
    """A thread that sends progress when it changes, and a heartbeat when it does not.

    Parameters
    ----------
    heartbeat
        Seconds between two reports at most.
    shortest
        Seconds between two reports at least, so that a notebook of many small cells is no flood.
    notes
        File in which the user's own code leaves progress of the present step; see `avi_kernel.pipelines.progress`.
    """

    def __init__(
        self,
        *,
        send: Callable[[Progress], None],
        heartbeat: float,
        shortest: float = 0.5,
        notes: Path | None = None,
    ) -> None:
        self._send = send
        self._heartbeat = heartbeat
        self._shortest = min(shortest, heartbeat)
        self._notes = notes
        self._noted = ""
        self._latest = Progress()
        self._part = (0.0, 0.0)
        self._sent: Progress | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="reporter", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join(timeout=_PROGRESS_TIMEOUT)

    def report(self, progress: Progress, part: tuple[float, float] = (0.0, 0.0)) -> None:
        """Take the newest progress; it is sent within `shortest` seconds.

        Parameters
        ----------
        part
            Where the present step begins in the whole and how much of it it is; places the user's notes.
        """
        self._part = part
        self._latest = progress

    def _follow(self) -> None:
        last = time.monotonic()
        try:
            self._send_latest()
            while not self._ended.wait(self._shortest):
                self._take_note()
                now = time.monotonic()
                if self._latest != self._sent or now - last >= self._heartbeat:
                    last = now
                    self._send_latest()
        except PlatformRefused:
            return  # the attempt is over for the platform, which will end this container itself

    def _send_latest(self) -> None:
        latest = self._latest
        try:
            self._send(latest)
        except PlatformSilent:
            return
        except PlatformRefused as refused:
            if refused.status not in RETRIED:
                raise
            return
        self._sent = latest

    def _take_note(self) -> None:
        """Put what user code noted since the last look into the present progress."""
        try:
            text = self._notes.read_text("utf-8") if self._notes else ""
            note = Progress.model_validate_json(text) if text != self._noted else None
        except (OSError, ValueError):
            return  # no note yet, or half of one: the next look reads it
        self._noted = text
        if note:
            start, span = self._part
            fraction = max(self._latest.fraction, min(1.0, start + span * note.fraction))
            self._latest = self._latest.model_copy(update={"message": note.message, "fraction": fraction})
