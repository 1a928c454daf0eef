"""Requests whose body or address is larger than anything that is taken here: read to their end, and refused in words.

Tornado itself closes the connection on them while they are still being sent, and the proxy then says that the service
does not answer.
"""

import re
from collections.abc import Awaitable
from typing import Any, cast

from tornado.httputil import (
    HTTPConnection,
    HTTPHeaders,
    HTTPInputError,
    HTTPMessageDelegate,
    HTTPServerRequest,
    RequestStartLine,
    ResponseStartLine,
)
from tornado.web import Application
from typing_extensions import override

from gavip_hub.exceptions import BadRequest, BodyTooLarge, GavipError
from gavip_hub.handlers.base import BaseHandler, PageHandler
from gavip_hub.handlers.context import PREFIX

MB = 1024 * 1024
LARGEST_BODY = 4 * MB
STREAMED = rf"{PREFIX}/git/([a-z][a-z0-9-]{{0,39}})(?:\.git)?/(info/refs|git-upload-pack|git-receive-pack)"
"""There alone bodies are passed on as they come, and nothing of them is held."""
MOST_READ = 1024 * MB
"""Of a body that is refused; a connection that sends more is closed."""


class BoundedApplication(Application):
    """A web application that holds no body larger than `LARGEST_BODY`."""

    @override
    def start_request(self, server_conn: object, request_conn: HTTPConnection) -> HTTPMessageDelegate:
        return _Bounded(self, super().start_request(server_conn, request_conn), request_conn)

    def refuse(self, request: HTTPServerRequest, error: GavipError) -> None:
        """Answer a request that is not routed to any handler."""
        is_api = request.path.startswith(f"{PREFIX}/api")
        handler = _Refusal if is_api else _RefusalPage
        self.get_handler_delegate(request, handler, target_kwargs={"error": error}).execute()


class _Bounded(HTTPMessageDelegate):
    """One request on its way in."""

    def __init__(self, application: BoundedApplication, routed: HTTPMessageDelegate, connection: Any) -> None:
        self._application = application
        self._routed = routed
        self._connection = connection
        self._request: HTTPServerRequest | None = None
        self._refused: GavipError | None = None
        self._length = 0
        self._largest = LARGEST_BODY

    @override
    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        self._connection.set_max_body_size(MOST_READ)
        line = cast("RequestStartLine", start_line)
        try:
            self._request = self._read(line, headers)
        except HTTPInputError:
            self._refused = BadRequest(
                "The address has more parameters than any of ours: at most 1,000 are read."
            )
            self._request = self._read(line._replace(path=line.path.partition("?")[0]), headers)
            return None
        if re.fullmatch(STREAMED, self._request.path):
            self._largest = MOST_READ
        return self._routed.headers_received(start_line, headers)

    def _read(self, line: RequestStartLine, headers: HTTPHeaders) -> HTTPServerRequest:
        return HTTPServerRequest(connection=self._connection, start_line=line, headers=headers)

    @override
    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        self._length += len(chunk)
        if self._refused is None and self._length > self._largest:
            self._refused = BodyTooLarge()
            self._routed.on_connection_close()  # drops what came so far
        return self._routed.data_received(chunk) if self._refused is None else None

    @override
    def finish(self) -> None:
        if self._refused is None or self._request is None:
            self._routed.finish()
        else:
            self._application.refuse(self._request, self._refused)

    @override
    def on_connection_close(self) -> None:
        self._routed.on_connection_close()


class _Refusal(BaseHandler):
    """Says so in JSON."""

    @override
    def initialize(self, error: GavipError) -> None:
        self._error = error

    @override
    async def prepare(self) -> None:
        raise self._error


class _RefusalPage(PageHandler):
    """Says so on a page."""

    needs_sign_in = False

    @override
    def initialize(self, error: GavipError) -> None:
        self._error = error

    @override
    async def prepare(self) -> None:
        raise self._error
