"""HTTP as an archive wants to be asked: with pauses, in bounded numbers, by a named program."""

import io
import random
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

import requests
from typing_extensions import override
from urllib3.exceptions import NewConnectionError

BUSY = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}
"""The request was not taken up: it may be sent again whatever it was."""
BROKEN = {HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT}
"""The request may have had its effect: only one that merely reads is sent again."""
TRANSIENT = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError)
FORBIDDEN = "Tunnel connection failed: 403"
"""How the HTTP library words a proxy's refusal of a host."""
USER_AGENT = "avi-kernel (GAVIP; IVOA-science)"


class PoliteSession(requests.Session):
    """Repeats requests that an archive could not take up, after the pause it asked for or a growing one.

    Proxies come from the environment, as requests reads it.

    Parameters
    ----------
    attempts
        How often one request is sent at most.
    first_wait
        Seconds before the second attempt; each further pause is twice as long.
    longest_wait
        Seconds; an archive that asks for a longer pause is not asked again.
    timeout
        Seconds to connect, and seconds without a byte of the answer.
    """

    def __init__(
        self,
        *,
        attempts: int = 3,
        first_wait: float = 0.5,
        longest_wait: float = 30.0,
        timeout: tuple[float, float] = (10.0, 120.0),
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__()
        self._attempts = attempts
        self._first_wait = first_wait
        self._longest_wait = longest_wait
        self._timeout = timeout
        self._sleep = sleep
        self.headers["User-Agent"] = f"{USER_AGENT} {requests.utils.default_user_agent()}"

    @override
    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        """Send once, and take in the whole answer: one that breaks off is then an error here, not in its reader."""
        response = super().send(request, **{**options, "stream": False})
        response.raw = _Body(response.content)
        return response

    @override
    def request(self, method: str, url: str, **options: Any) -> requests.Response:  # type: ignore[override]  # the options of requests pass through
        """Send a request, again where that is right, and return the last answer."""
        options.setdefault("timeout", self._timeout)
        only_reads = method.upper() in {"GET", "HEAD"} or url.endswith("/sync")
        for attempt in range(1, self._attempts):
            _rewind(options.get("files"))
            pause = self._pause_after(attempt)
            try:
                response = super().request(method, url, **options)
            except TRANSIENT as error:
                if _is_forbidden(error) or not (only_reads or _was_never_sent(error)):
                    raise
            else:
                if not _may_be_sent_again(response, only_reads=only_reads):
                    return response
                pause = _asked_pause(response, pause)
                if pause > self._longest_wait:
                    return response
            self._sleep(pause)
        _rewind(options.get("files"))
        return super().request(method, url, **options)

    def _pause_after(self, attempt: int) -> float:
        # Many jobs that met the same outage must not come back at the same moment.
        jitter = random.uniform(0.8, 1.2)  # noqa: S311 - no secret
        return min(self._longest_wait, self._first_wait * 2.0 ** (attempt - 1) * jitter)


class _Body(io.BytesIO):
    """An answer that was read, as pyvo wants to read it."""

    @override
    def read(self, size: int | None = -1, /, *, decode_content: bool = True) -> bytes:
        """Return some of it; it is decoded already."""
        return super().read(size)


def _may_be_sent_again(response: requests.Response, *, only_reads: bool) -> bool:
    return response.status_code in BUSY or (only_reads and response.status_code in BROKEN)


def _is_forbidden(error: requests.RequestException) -> bool:
    """Tell whether the way out has decided, and will not decide otherwise in a second."""
    return isinstance(error, requests.exceptions.ProxyError) and FORBIDDEN in str(error)


def _was_never_sent(error: requests.RequestException) -> bool:
    if isinstance(error, requests.ConnectTimeout):
        return True
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return isinstance(reason, NewConnectionError)


def _asked_pause(response: requests.Response, otherwise: float) -> float:
    """Return the seconds of `Retry-After`, which is a number or a date."""
    value = response.headers.get("Retry-After", "").strip()
    if value.isdigit():
        return float(value)
    try:
        when = parsedate_to_datetime(value)
    except ValueError:
        return otherwise
    return max(0.0, (when - datetime.now(UTC)).total_seconds())


def _rewind(files: Mapping[str, Any] | None) -> None:
    """Let a repeated request send its uploads from their beginning."""
    for file in (files or {}).values():
        file.seek(0)
