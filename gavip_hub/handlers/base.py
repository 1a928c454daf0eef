"""What all handlers share: who asks, one place for refusals, and safe headers."""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import replace
from http import HTTPStatus
from types import TracebackType
from typing import Any, ParamSpec, TypeVar

from jinja2 import TemplateNotFound
from markupsafe import Markup
from tornado.web import HTTPError, RequestHandler
from typing_extensions import override

from avi_kernel.protocol.api import ErrorBody, Profile
from gavip_hub.exceptions import (
    BadRequest,
    DatabaseAway,
    DiskFull,
    Forbidden,
    GavipError,
    NotFound,
    SignInRequired,
    SpaceFull,
    Unavailable,
    is_full_disk,
)
from gavip_hub.handlers.context import PREFIX, ServiceContext, Services
from gavip_hub.handlers.rendering import PAGE_CSP
from gavip_hub.handlers.sign_in import NOBODY, XSRF_FIELD, Identity
from gavip_hub.logs import REQUEST_HEADER, begin_request
from gavip_hub.storage.database import DEADLINE

log = logging.getLogger(__name__)
P = ParamSpec("P")
T = TypeVar("T")

ANSWER_SECONDS = 20.0
"""What has not begun by then is not done; a reader would not wait for longer."""
API_POLICY = "default-src 'none'; frame-ancestors 'none'; sandbox"


class BaseHandler(RequestHandler):
    """A request of a person, a command or a box."""

    policy = API_POLICY
    is_stream = False
    """Whether it lasts for as long as its reader likes: such times tell nothing of the service."""
    _identity: Identity = NOBODY
    _waited = 0.0
    """Seconds for the database; a request of several questions is refused no later than one of one."""

    @property
    def context(self) -> ServiceContext:
        """The process's settings, services and tools."""
        context: ServiceContext = self.settings["context"]
        return context

    @property
    def services(self) -> Services:
        """The deciding layer; its methods block, so call them through `in_thread`."""
        return self.context.services

    @property
    def current_profile(self) -> Profile | None:
        """Who asks, or None."""
        return self._identity.profile

    @property
    def user_token(self) -> str:
        """The asker's own Hub token: what they ask is done with it."""
        return self._identity.token

    def require(self, scope: str | None = None) -> Profile:
        """Return who asks.

        Raises
        ------
        SignInRequired
            Nobody is signed in.
        Forbidden
            They lack the scope.
        """
        profile = self.current_profile
        if profile is None:
            raise SignInRequired
        if scope is not None and scope not in profile.scopes:
            raise Forbidden(
                f"This needs the scope {scope}; your roles are: {', '.join(profile.roles) or 'none'}."
            )
        return profile

    async def looking_whole(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run what may read files from start to end: of one person few at once, or nobody else's files had a thread.

        Raises
        ------
        NoRoom
            They have as many looked at already.
        """
        with self.context.writes.one(self.require()):
            return await self.context.file_threads(function, *args, **kwargs)

    async def in_thread(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run what blocks, a method of a service above all, in the bounded pool.

        Raises
        ------
        DatabaseAway
            It took too long: all threads wait for a database that stands still.
        """
        begun, left = time.monotonic(), ANSWER_SECONDS - self._waited
        DEADLINE.set(begun + left)
        try:
            return await asyncio.wait_for(self.context.database_threads(function, *args, **kwargs), left)
        except TimeoutError:
            raise DatabaseAway from None
        finally:
            DEADLINE.set(float("inf"))
            if not self.is_stream:
                self._waited += time.monotonic() - begun

    @override
    async def prepare(self) -> None:
        self.set_header(REQUEST_HEADER, begin_request(self.request.headers.get(REQUEST_HEADER, "")))
        self._identity = self._in_groups(await self.identify())
        self.context.sign_in.check_write(self, self._identity)

    def _in_groups(self, identity: Identity) -> Identity:
        """Return who asks with the groups that they are in by now: the Hub's word on a sign-in is kept for a minute."""
        profile = identity.profile
        if profile is None:
            return identity
        groups = sorted(self.services.showing.groups_of(profile.name, profile.groups))
        return replace(identity, profile=profile.model_copy(update={"groups": groups}))

    @override
    def on_finish(self) -> None:
        seconds = self.request.request_time()
        if not self.is_stream:
            # Each method has a line of its own for ever, and a box may send any word.
            method = self.request.method if self.request.method in self.SUPPORTED_METHODS else "other"
            self.context.metrics.requests.labels(method, str(self.get_status())).observe(seconds)

    async def identify(self) -> Identity:
        """Return who sends this request."""
        return await self.context.sign_in.identify(self.request)

    @override
    def set_default_headers(self) -> None:
        self.set_header("Server", "gavip")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Referrer-Policy", "same-origin")
        self.set_header("Cross-Origin-Resource-Policy", "same-origin")
        self.set_header("Cross-Origin-Opener-Policy", "same-origin")
        self.set_header("Cache-Control", "private, no-cache")
        self.set_header("Content-Security-Policy", self.policy)

    @override
    def check_xsrf_cookie(self) -> None:
        """Tornado's own scheme trusts a cookie; `SignIn.check_write` does not (docs/adr/0010)."""

    @override
    def log_exception(
        self,
        typ: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        if isinstance(value, Unavailable | SpaceFull):
            log.warning("%s refused: %s", self._request_summary(), value)
            return
        if isinstance(value, GavipError) and value.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
            log.info("%s refused: %s", self._request_summary(), value)
            return
        super().log_exception(typ, value, tb)

    @override
    def write_error(self, status_code: int, **kwargs: Any) -> None:
        error = refusal(kwargs.get("exc_info", (None, None, None))[1], status_code)
        self.set_status(error.status_code)
        if error.retry_after is not None:
            self.set_header("Retry-After", str(error.retry_after))
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            self.set_header("Allow", ", ".join(self._methods()))
        self.write_refusal(error)

    def _methods(self) -> list[str]:
        """Return the methods that this address knows."""
        return [
            name
            for name in self.SUPPORTED_METHODS
            if getattr(type(self), name.lower()) is not getattr(RequestHandler, name.lower())
        ]

    def write_refusal(self, error: GavipError) -> None:
        """Say no in JSON."""
        if isinstance(error, SignInRequired):
            self.set_header("WWW-Authenticate", 'Bearer realm="gavip"')
        body = ErrorBody(error=error.error, message=error.message, field=error.field)
        self.set_header("Content-Type", "application/json; charset=utf-8")
        self.finish(body.model_dump_json())


class PageHandler(BaseHandler):
    """A page of the portal: HTML, and a way to sign in rather than a 401."""

    policy = PAGE_CSP
    needs_sign_in = True

    @property
    def asker(self) -> str:
        """For whom files are looked into: one at a time for each.

        Raises
        ------
        SignInRequired
            Nobody is signed in.
        """
        return self.require().name

    @override
    async def prepare(self) -> None:
        await super().prepare()
        if self.needs_sign_in and self.current_profile is None and self.request.method in {"GET", "HEAD"}:
            self.context.sign_in.begin(self)

    def render_page(self, template: str, **namespace: Any) -> None:
        """Finish with a page of `gavip_hub/templates`.

        Every page has besides: `profile`, `config`, `prefix` (of all links), `xsrf` (token) and `xsrf_field`
        (a hidden input for forms).
        """
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.finish(self.context.templates.get_template(template).render(**self._namespace(), **namespace))

    def _namespace(self) -> dict[str, Any]:
        token = self.context.sign_in.xsrf_token(self._identity)
        return {
            "profile": self.current_profile,
            "config": self.context.config,
            "prefix": PREFIX,
            "request_path": self.request.path,
            "xsrf": token,
            "xsrf_field": Markup('<input type="hidden" name="{}" value="{}">').format(XSRF_FIELD, token),
        }

    @override
    def write_refusal(self, error: GavipError) -> None:
        """Say no on a page `error.html`, which gets `error`; in plain words where even that fails."""
        try:
            self.render_page("error.html", error=error)
        except TemplateNotFound:
            self.set_header("Content-Type", "text/plain; charset=utf-8")
            self.finish(error.message)


class UnknownPath(BaseHandler):
    """Any address that is not ours."""

    @override
    async def prepare(self) -> None:
        raise NotFound(f"There is nothing at {self.request.path[:200]}.")


def _told(error: HTTPError) -> str:
    text = error.log_message or ""
    return text % error.args if error.args else text


def refusal(error: BaseException | None, status_code: int) -> GavipError:
    """Return any exception as one of the platform's own; what is not meant for users is not told to them."""
    if isinstance(error, GavipError):
        return error
    if error is not None and is_full_disk(error):
        return DiskFull()
    if isinstance(error, HTTPError) and status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
        made = BadRequest(_told(error) or HTTPStatus(status_code).phrase)
        made.status_code = status_code
        return made
    return GavipError()
