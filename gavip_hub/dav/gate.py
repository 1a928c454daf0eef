"""What stands before a space: who asks, whether they may, and how much of it at once."""

import logging
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http import HTTPStatus
from typing import Any, BinaryIO
from urllib.parse import unquote_to_bytes, urlsplit

from wsgidav.dav_error import DAVError, get_http_status_string

from avi_kernel.protocol.api import Profile
from gavip_hub.dav.people import People, token_of
from gavip_hub.dav.provider import OPENED, PERSON, SpaceProvider
from gavip_hub.dav.refusals import Environ, Refused, forbidden, refused
from gavip_hub.dav.server import CONFIG, TARGET, SpaceServer, StartResponse
from gavip_hub.exceptions import SignInRequired

READ = "custom:gavip:read:files"

WRITE = "custom:gavip:write:files"
HEALTH = "/.health"
"""Nothing hidden lies in a space, so that this is nobody's file."""
_READING = frozenset({"GET", "HEAD", "OPTIONS", "PROPFIND"})
_METHODS = _READING | {"PUT", "DELETE", "MKCOL", "MOVE", "COPY", "PROPPATCH", "LOCK", "UNLOCK"}
_LARGEST_BODY = 64 * 1024
"""Bytes of what is no file: XML."""
MOST_LISTINGS = 2
"""That are made at once."""
_DRAINED = 8 * 1024 * 1024
"""Bytes of a refused file that are still taken, so that its sender reads why."""
_PIECE = 64 * 1024
_NO_PATH = re.compile(rb"%2f|%5c|%00|\\", re.IGNORECASE)
_BROWSER = (
    "This address is for file managers and programs such as rclone, which sign in with a token. In a browser your files are "
    "in the portal."
)
SAFE = (
    ("Content-Security-Policy", "sandbox; default-src 'none'; frame-ancestors 'none'"),
    ("X-Content-Type-Options", "nosniff"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Cache-Control", "private, no-cache"),
)

CLOSE = "gavip.close"
"""What has the server end the connection after the answer: by itself it would read all that still comes, into memory."""

log = logging.getLogger("gavip.webdav")


class Gate:
    """The application that the web server runs.

    Parameters
    ----------
    mount
        The path below which it answers, with no slash at the end.
    public_url
        As people's programs know the platform.
    most
        Requests at once; the server has a few threads more, which refuse and tell that they live.
    most_of_one
        Of them, one person's.
    """

    def __init__(
        self,
        *,
        provider: SpaceProvider,
        people: People,
        mount: str,
        public_url: str,
        most: int,
        most_of_one: int,
    ) -> None:
        self._provider = provider
        self._people = people
        self._mount = mount
        self._public = urlsplit(public_url)
        self._listings = threading.Semaphore(MOST_LISTINGS)
        self._turns = _Turns(most=most, most_of_one=most_of_one)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterator[bytes]:
        """Answer a request."""
        body = _Body(environ["wsgi.input"], _length(environ))
        environ["wsgi.input"] = body
        begin = _Begin(start_response, body, environ.get(CLOSE, _nothing))
        with ExitStack() as opened:
            environ[OPENED] = opened
            try:
                yield from self._answer(environ, begin)
            except Exception as error:
                if begin.begun:
                    raise  # the connection breaks off: nobody takes a part for the whole
                yield from _told(refused(error), environ, begin)

    def _answer(self, environ: Environ, begin: "_Begin") -> Iterator[bytes]:
        path = self._path(environ)
        if path == HEALTH:
            begin("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "3")])
            yield b"ok\n"
            return
        _refuse_browsers(environ)
        with self._turns.one():
            profile = self._person(environ)
            begin.is_patient = True
            _require_scope(profile, environ["REQUEST_METHOD"])
            with self._turns.one(profile.name):
                self._prepare(environ, path, profile)
                yield from self._of_space(environ, begin)

    def _of_space(self, environ: Environ, begin: "_Begin") -> Iterator[bytes]:
        answer: Iterator[bytes] = SpaceServer(self._provider)(environ, begin)
        if environ["REQUEST_METHOD"] == "PROPFIND":
            # A listing of 20,000 entries takes 100 MB until it is made; sending it may take as long as its reader likes.
            with self._listings:
                answer = iter(list(answer))
        yield from answer

    def _path(self, environ: Environ) -> str:
        """Return the path below our own."""
        uri = environ["REQUEST_URI"].partition("?")[0]
        path = _plain_path(uri if isinstance(uri, bytes) else uri.encode("latin-1"))
        if path != self._mount and not path.startswith(f"{self._mount}/"):
            raise Refused(HTTPStatus.NOT_FOUND, f"Files are below {self._mount}/.")
        return path[len(self._mount) :] or "/"

    def _person(self, environ: Environ) -> Profile:
        address = environ.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2].strip()
        token = token_of(environ.pop("HTTP_AUTHORIZATION", ""))
        try:
            return self._people.of(token, address=address or environ.get("REMOTE_ADDR", ""))
        except SignInRequired as error:
            ways = [("WWW-Authenticate", 'Basic realm="GAVIP files", charset="UTF-8"')]
            raise Refused(HTTPStatus.UNAUTHORIZED, error.message, ways) from None

    def _prepare(self, environ: Environ, path: str, profile: Profile) -> None:
        """Set what the library reads."""
        if environ["REQUEST_METHOD"] != "PUT":
            _require_small(environ)
        environ.update(
            {
                "SCRIPT_NAME": self._mount,
                "PATH_INFO": path,
                PERSON: profile,
                "wsgidav.auth.user_name": profile.name,
                "wsgidav.config": CONFIG,
                "wsgidav.provider": self._provider,
                "wsgidav.verbose": 0,
            }
        )
        if destination := environ.get("HTTP_DESTINATION"):
            environ[TARGET] = self._target(destination, environ)

    def _target(self, destination: str, environ: Environ) -> str:
        """Return the path that a `Destination` names below our own."""
        try:
            named = urlsplit(destination)
        except ValueError:
            raise Refused(HTTPStatus.BAD_REQUEST, "The header Destination is no address.") from None
        if named.netloc and named.netloc not in {self._public.netloc, environ.get("HTTP_HOST")}:
            raise Refused(HTTPStatus.BAD_GATEWAY, "Files are moved and copied within your space alone.")
        # Not `named.path` alone: in the names of files a question mark is written as %3F.
        path = _plain_path(named.path.encode("utf-8", "surrogateescape"))
        if not path.startswith(f"{self._mount}/"):
            raise Refused(HTTPStatus.BAD_GATEWAY, f"Files are moved and copied below {self._mount}/ alone.")
        return path[len(self._mount) :]


class _Turns:
    """Bounds what is answered at once, by everybody and for one person."""

    def __init__(self, *, most: int, most_of_one: int) -> None:
        self._most = {"": most}
        self._most_of_one = most_of_one
        self._lock = threading.Lock()
        self._now: Counter[str] = Counter()

    @contextmanager
    def one(self, owner: str = "") -> Iterator[None]:
        """Take a turn; without a name, of everybody's."""
        with self._lock:
            if self._now[owner] >= self._most.get(owner, self._most_of_one):
                whose = "You have" if owner else "The platform has"
                raise Refused(
                    HTTPStatus.SERVICE_UNAVAILABLE,
                    f"{whose} {self._now[owner]} requests under way: try again in some seconds.",
                    [("Retry-After", "3")],
                )
            self._now[owner] += 1
        try:
            yield
        finally:
            with self._lock:
                self._now[owner] -= 1
                if not self._now[owner]:
                    del self._now[owner]


class _Body:
    """What a client sends: as much as it announced, or an error."""

    def __init__(self, raw: BinaryIO, length: int | None) -> None:
        self._raw = raw
        self._left = length
        self._ended = length == 0

    @property
    def is_read(self) -> bool:
        """Whether nothing more comes."""
        return self._ended

    def read(self, size: int = _PIECE) -> bytes:
        """Return the next piece, nothing at the end."""
        if self._ended:
            return b""
        content = self._raw.read(size if self._left is None else min(size, self._left))
        if not content and self._left:
            raise ConnectionError("the client went away")
        if self._left is not None:
            self._left -= len(content)
        self._ended = not content or self._left == 0
        return content

    def drain(self) -> bool:
        """Take some of what is left; tell whether that was all."""
        taken = 0
        try:
            while not self._ended and taken < _DRAINED:
                taken += len(self.read())
        except (OSError, ValueError):
            return False
        return self._ended


class _Begin:
    """Begins an answer: adds what keeps browsers from running any of it, and ends a connection that nobody can go on with."""

    def __init__(self, start_response: StartResponse, body: _Body, close: Callable[[], None]) -> None:
        self._start_response = start_response
        self._body = body
        self._close = close
        self.begun = False
        self.is_patient = False
        """Whether some of what still comes is taken, so that who sends it reads why it is refused: not for strangers."""

    def __call__(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        self.begun = True
        own = {name.lower() for name, _ in SAFE}
        headers = [one for one in headers if one[0].lower() not in own]
        headers += SAFE
        if not self._body.is_read and not (self.is_patient and self._body.drain()):
            self._close()
        return self._start_response(status, headers, exc_info)


def _nothing() -> None:
    """Do nothing: a server that cannot end a connection is a test's."""


def _told(error: DAVError, environ: Environ, begin: _Begin) -> Iterator[bytes]:
    """Answer with a refusal."""
    if error.value in {HTTPStatus.NOT_MODIFIED, HTTPStatus.NO_CONTENT}:
        begin(get_http_status_string(error), [("Content-Length", "0")])
        return
    kind, page = error.get_response_page()
    if error.err_condition is None:
        kind, page = Refused(
            error.value, error.context_info or get_http_status_string(error)
        ).get_response_page()
    headers = [("Content-Type", kind), ("Content-Length", str(len(page)))]
    begin(get_http_status_string(error), headers + (error.add_headers or []))
    if environ["REQUEST_METHOD"] != "HEAD":
        yield page


def _plain_path(uri: bytes) -> str:
    """Return a path of which each name is what it seems to be.

    Raises
    ------
    Refused
        It holds a slash in a name, steps up, or bytes that are no text.
    """
    if _NO_PATH.search(uri):
        raise Refused(HTTPStatus.BAD_REQUEST, "No name holds a slash, a backslash or a zero.")
    try:
        path = unquote_to_bytes(uri).decode()
    except UnicodeDecodeError:
        raise Refused(HTTPStatus.BAD_REQUEST, "Names are written in UTF-8.") from None
    if {".", ".."} & set(path.split("/")):
        raise Refused(HTTPStatus.BAD_REQUEST, "A path goes down, and never up.")
    return re.sub("/{2,}", "/", path)


def _refuse_browsers(environ: Environ) -> None:
    """Refuse what pages and address bars of browsers ask for, which send what a person once typed in along with everything."""
    if any(name in environ for name in ("HTTP_ORIGIN", "HTTP_SEC_FETCH_SITE", "HTTP_SEC_FETCH_MODE")):
        raise forbidden(_BROWSER)


def _require_scope(profile: Profile, method: str) -> None:
    if method not in _METHODS:
        raise Refused(HTTPStatus.METHOD_NOT_ALLOWED, f"Methods are {', '.join(sorted(_METHODS))}.")
    scope = READ if method in _READING else WRITE
    if scope not in profile.scopes:
        raise forbidden(f"This token does not hold the scope {scope}.")


def _require_small(environ: Environ) -> None:
    length = _length(environ)
    if length is None:
        raise Refused(HTTPStatus.LENGTH_REQUIRED, "Only files may come without their length.")
    if length > _LARGEST_BODY:
        raise Refused(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"What is no file has {_LARGEST_BODY} bytes at most."
        )


def _length(environ: Environ) -> int | None:
    """Return the bytes that come; None where nobody knows."""
    if "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower():
        environ.pop("CONTENT_LENGTH", None)
        return None
    told = environ.get("CONTENT_LENGTH") or "0"
    return int(told) if told.isascii() and told.isdigit() else 0
