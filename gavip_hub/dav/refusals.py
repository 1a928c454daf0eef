"""What is refused over WebDAV, in the platform's own sentences: plain text, and no page of a library."""

import errno
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from http import HTTPStatus
from typing import Any, ParamSpec, TypeVar

from typing_extensions import override
from wsgidav.dav_error import DAVError

from gavip_hub.exceptions import (
    BadParameter,
    Conflict,
    GavipError,
    NotFound,
    TooLarge,
    is_full_disk,
)

P = ParamSpec("P")
T = TypeVar("T")
_TEXT = "text/plain; charset=utf-8"
_OWN_WORDS: dict[type[GavipError], int] = {
    BadParameter: HTTPStatus.FORBIDDEN,  # of paths: what cannot lie there, nobody may write
    TooLarge: HTTPStatus.FORBIDDEN,
    NotFound: HTTPStatus.NOT_FOUND,
    Conflict: HTTPStatus.CONFLICT,
}
_NAMES = {errno.ENAMETOOLONG, errno.EILSEQ, errno.EINVAL}

_KNOWN: tuple[tuple[Callable[[Exception], bool], int, str], ...] = (
    (is_full_disk, 507, "The platform's disk is full: what is there stays as it is."),
    (
        lambda error: isinstance(error, OSError) and error.errno in _NAMES,
        HTTPStatus.FORBIDDEN,
        "The platform cannot keep a file of this name: choose another.",
    ),
    (
        lambda error: isinstance(error, PermissionError),
        HTTPStatus.FORBIDDEN,
        "The modes of your files do not allow this.",
    ),
    (
        lambda error: isinstance(error, FileExistsError),
        HTTPStatus.PRECONDITION_FAILED,
        "Something lies there already.",
    ),
    (
        lambda error: isinstance(error, FileNotFoundError),
        HTTPStatus.NOT_FOUND,
        "There is no such file or folder any more.",
    ),
    (
        lambda error: isinstance(error, ConnectionError | TimeoutError),
        HTTPStatus.BAD_REQUEST,
        "The file did not come whole; nothing was written. Send it again.",
    ),
)

log = logging.getLogger("gavip.webdav")


class Refused(DAVError):  # type: ignore[misc]
    """A refusal whose page is one sentence."""

    def __init__(self, status: int, sentence: str, headers: list[tuple[str, str]] | None = None) -> None:
        super().__init__(status, sentence, add_headers=headers)

    @override
    def get_response_page(self) -> tuple[str, bytes]:
        return _TEXT, f"{self.context_info}\n".encode()


def refused(error: Exception) -> DAVError:
    """Return what somebody is told of an error; what is the platform's own fault is logged, and told without names."""
    if isinstance(error, DAVError):
        return error
    if isinstance(error, GavipError):
        status = next((_OWN_WORDS[kind] for kind in _OWN_WORDS if isinstance(error, kind)), error.status_code)
        later = [("Retry-After", str(error.retry_after))] if error.retry_after else None
        return Refused(int(status), error.message, later)
    for is_it, status, sentence in _KNOWN:
        if is_it(error):
            return Refused(status, sentence)
    log.error("A request failed", exc_info=error)
    return Refused(
        HTTPStatus.INTERNAL_SERVER_ERROR, "That did not work; the platform's operator finds why in its log."
    )


@contextmanager
def told() -> Iterator[None]:
    """Turn every error into what is told of it."""
    try:
        yield
    except Exception as error:
        raise refused(error) from error


def plainly(method: Callable[P, T]) -> Callable[P, T]:
    """Have a method raise nothing but what is told."""

    @wraps(method)
    def call(*arguments: P.args, **named: P.kwargs) -> T:
        with told():
            return method(*arguments, **named)

    return call


def forbidden(sentence: str) -> Refused:
    """Return a refusal of what may not be done."""
    return Refused(HTTPStatus.FORBIDDEN, sentence)


Environ = dict[str, Any]
"""What a server of the Python world tells of a request."""
