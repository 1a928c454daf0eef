"""What the service's log says, each line with the request and the job that it is about."""

import json
import logging
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Literal

from typing_extensions import override

from gavip_hub.exceptions import GavipError

REQUEST: ContextVar[str] = ContextVar("gavip_request", default="")
JOB: ContextVar[str] = ContextVar("gavip_job", default="")
REQUEST_HEADER = "X-Request-ID"
_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


def begin_request(given: str) -> str:
    """Note for the rest of this task which request it serves; return its id: the caller's, if it is one."""
    request = given if _ID.fullmatch(given) else f"r{secrets.token_hex(8)}"
    REQUEST.set(request)
    return request


@contextmanager
def about_job(job: str) -> Iterator[None]:
    """Have all lines name a job that are written meanwhile, in threads and tasks that begin here too.

    Where they are to name its request too, that is set within, and as it was afterwards.
    """
    tokens = JOB.set(job), REQUEST.set(REQUEST.get())
    try:
        yield
    finally:
        JOB.reset(tokens[0])
        REQUEST.reset(tokens[1])


class TextLines(logging.Formatter):
    """For people: time, level, where, what, and in brackets what it is about."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    @override
    def formatMessage(self, record: logging.LogRecord) -> str:
        # What people sent may stand in it, and must not look like lines of its own.
        record.message = "".join(char if char.isprintable() else repr(char)[1:-1] for char in record.message)
        about = " ".join(f"{name}={value}" for name, value in _about().items())
        return super().formatMessage(record) + (f" [{about}]" if about else "")


class JsonLines(logging.Formatter):
    """For programs: one JSON object a line."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{record.msecs:03.0f}Z"
        line = {
            "at": at,
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **_about(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


class Trouble:
    """Says a trouble once, however long it lasts, and once that it is over.

    Two that differ in nothing but their numbers are one: of what is full or late, each look finds other ones.

    Parameters
    ----------
    what
        What is in trouble, as the beginning of a line.
    """

    def __init__(self, *, log: logging.Logger, what: str) -> None:
        self._log = log
        self._what = what
        self._known = ""

    def met(self, error: Exception) -> None:
        """Say what went wrong, unless that is known."""
        kind, words = type(error).__name__, str(error) or type(error).__name__
        without_numbers = f"{kind}: {_NUMBER.sub('0', words)}"
        if without_numbers == self._known:
            return
        self._known = without_numbers
        expected = isinstance(error, GavipError)
        self._log.warning(
            "%s: %s; it is tried again", self._what, words, exc_info=None if expected else error
        )

    def over(self) -> None:
        """Say that it goes on, if it did not."""
        if self._known:
            self._known = ""
            self._log.warning("%s: it goes on", self._what)


def set_up(*, level: int, style: Literal["text", "json"]) -> None:
    """Have this process write its log to its standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines() if style == "json" else TextLines())
    logging.basicConfig(level=level, handlers=[handler], force=True)


def _about() -> dict[str, str]:
    known = {"request": REQUEST.get(), "job": JOB.get()}
    return {name: value for name, value in known.items() if value}
