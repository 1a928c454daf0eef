"""HTTP to the platform for notebooks, scripts and the command: one place that knows addresses, tokens and refusals."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from typing_extensions import override

if TYPE_CHECKING:
    import httpx

API_PATH = "/services/gavip/api"
_LOOPBACK = "127.0.0.1"
_TIMEOUT = 30.0
_TRIES = 3
_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_ERRNO = re.compile(r"\[Errno -?\d+\] ")


class ApiError(Exception):
    """The platform refused, or could not be reached.

    Attributes
    ----------
    code
        The platform's own word for it, for programs.
    status
        Of the HTTP answer; 0 where there was none.
    field
        What the refusal is about, where it is about one value.
    """

    next_step: ClassVar[str] = ""

    def __init__(self, message: str, *, code: str = "", status: int = 0, field: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.status = status
        self.field = field


class SignInRequired(ApiError):
    """There was no token, or it is no longer good."""

    next_step = "Sign in with `gavip login`."


class NotAllowed(ApiError):
    """The token's owner may not do this."""


class NotFound(ApiError):
    """There is no such thing, or it is somebody else's."""


class Conflict(ApiError):
    """It cannot be done in the present state, or there is no room."""


class BadRequest(ApiError):
    """A value is not acceptable; the message says what would be."""


class Unavailable(ApiError):
    """The platform does not answer, or failed."""

    next_step = "Is the platform running? Try again in a minute."


_KINDS: dict[int, type[ApiError]] = {
    400: BadRequest,
    401: SignInRequired,
    403: NotAllowed,
    404: NotFound,
    405: NotFound,
    409: Conflict,
    410: Conflict,
    413: BadRequest,
    422: BadRequest,
    507: Conflict,
}


class Transport:
    """Requests to one platform with one token.

    Parameters
    ----------
    url
        The platform's address (`http://gavip.localhost:8000`) or its API's.
    token
        A Hub token; None asks without sign-in.
    patience
        Seconds for which a silent platform is waited for.
    tries
        How often what may be repeated without harm is asked for.
    """

    def __init__(
        self, *, url: str, token: str | None, patience: float = _TIMEOUT, tries: int = _TRIES
    ) -> None:
        self.url = api_url(url)
        self._token = token
        self._patience = patience
        self._tries = tries
        self._client: httpx.Client | None = None

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        content: "bytes | Iterator[bytes] | None" = None,
        headers: Mapping[str, str] | None = None,
        silence: float | None = None,
    ) -> "httpx.Response":
        """Return the answer.

        A request that may be repeated without harm is tried again when nobody answered.

        Parameters
        ----------
        silence
            Seconds without an answer after which it has failed, where that takes longer than usual.

        Raises
        ------
        ApiError
            Of the class that fits the refusal.
        """
        import httpx  # noqa: PLC0415 - a tenth of a second that only requests should pay

        tries = self._tries if method == "GET" else 1
        for left in range(tries - 1, -1, -1):
            try:
                answer = self._connected().request(
                    method,
                    self.url + path,
                    params=dict(params or {}),
                    json=json,
                    content=content,
                    headers=dict(headers or {}),
                    timeout=silence or self._patience,
                )
                break
            except httpx.TransportError as error:
                if not left:
                    raise Unavailable(f"{self.url} does not answer: {why_silent(error)}") from error
        raise_for_refusal(answer)
        return answer

    @contextmanager
    def stream(
        self, path: str, *, params: Mapping[str, Any] | None = None, silence: float | None = _TIMEOUT
    ) -> Iterator[Iterator[bytes]]:
        """Open a large answer and give its pieces.

        Parameters
        ----------
        silence
            Seconds without a piece after which it has failed; None waits for ever.
        """
        with self.opened(path, params=params, silence=silence) as answer:
            yield answer.iter_bytes()

    @contextmanager
    def opened(
        self,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        silence: float | None = _TIMEOUT,
        accepted: frozenset[int] = frozenset(),
    ) -> Iterator["httpx.Response"]:
        """Open a large answer, of which nothing has been read.

        Parameters
        ----------
        accepted
            Statuses that refuse nothing for who asks.
        """
        import httpx  # noqa: PLC0415 - as above

        try:
            with self._connected().stream(
                "GET",
                self.url + path,
                params=dict(params or {}),
                headers=dict(headers or {}),
                timeout=silence,
            ) as answer:
                if answer.status_code not in accepted:
                    if answer.is_error:
                        answer.read()
                    raise_for_refusal(answer)
                yield answer
        except httpx.TransportError as error:
            raise Unavailable(f"{self.url} does not answer: {why_silent(error)}") from error

    def close(self) -> None:
        """Close the connections."""
        if self._client:
            self._client.close()
            self._client = None

    def _connected(self) -> "httpx.Client":
        if self._client is None:
            self._client = http_client(self.url, token=self._token, patience=self._patience)
        return self._client


def why_silent(error: Exception) -> str:
    """Return why nobody answered, as people say it."""
    return _ERRNO.sub("", str(error)) or type(error).__name__


def file_name(name: str) -> str:
    """Return the name under which a download is saved.

    Raises
    ------
    ValueError
        It could lead out of the folder, hide there, or be taken for an option: platforms make up names of files.
    """
    if not _PLAIN_NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no plain file name")
    return name


def api_url(url: str) -> str:
    """Return the API's address from it or from the platform's."""
    plain = url.rstrip("/")
    return plain + API_PATH if urlsplit(plain).path in {"", "/"} else plain


def host_of(url: str) -> str:
    """Return an address without its path."""
    place = urlsplit(url)
    return f"{place.scheme}://{place.netloc}/"


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine."""
    return host in {"localhost", "::1"} or host.endswith(".localhost") or host.startswith("127.")


def http_client(url: str, *, token: str | None = None, patience: float = _TIMEOUT) -> "httpx.Client":
    """Return a client of httpx for a platform's address.

    Browsers take every `*.localhost` for this machine (RFC 6761), Python may not: here the connection goes to the
    loopback address while the `Host` header keeps the name, by which the proxy chooses.
    """
    import httpx  # noqa: PLC0415 - as above

    class LoopbackTransport(httpx.HTTPTransport):
        @override
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            if not request.url.host.endswith(".localhost"):
                return super().handle_request(request)
            # A request of its own: messages and cookies are to keep the address that was asked for.
            local = httpx.Request(
                request.method,
                request.url.copy_with(host=_LOOPBACK),
                headers=request.headers,
                stream=request.stream,
                extensions=request.extensions,
            )
            return super().handle_request(local)

    headers = {"Authorization": f"Bearer {token}"} if token else {}
    loopback = is_loopback(urlsplit(url).hostname or "")
    transport = LoopbackTransport() if loopback else None
    return httpx.Client(headers=headers, timeout=patience, transport=transport, trust_env=not loopback)


def raise_for_refusal(answer: "httpx.Response") -> None:
    """Raise the error that an answer stands for, in the platform's own words."""
    if not answer.is_error:
        return
    code, field, message = "", None, f"HTTP {answer.status_code} from {answer.url}"
    with suppress(ValueError, KeyError, TypeError, AttributeError):
        body = answer.json()
        # The report of a platform that is not well refuses nothing, and names what is wrong.
        message = " ".join(body.get("problems", ())) or message
        code, message, field = body["error"], body["message"], body.get("field")
    kind = _KINDS.get(answer.status_code, Unavailable)
    raise kind(str(message), code=str(code), status=answer.status_code, field=field)
