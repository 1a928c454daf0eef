"""Styles, scripts and icons of the portal."""

import gzip
from functools import lru_cache
from http import HTTPStatus
from typing import Any

from tornado.web import HTTPError, RequestHandler, StaticFileHandler
from typing_extensions import override

from gavip_hub.handlers.context import PREFIX
from gavip_hub.handlers.rendering import STATIC

SHEETS = ("tokens", "base", "components", "pages")
"""Of which the portal's one style sheet is made, in this order."""


class StaticFiles(StaticFileHandler):
    """Files as they are; their addresses change with their content, so browsers keep them for ever."""

    @override
    def parse_url_path(self, url_path: str) -> str:
        if "\0" in url_path:  # tornado passes it on to the file system, which raises
            raise HTTPError(HTTPStatus.NOT_FOUND)
        return super().parse_url_path(url_path)

    @override
    def set_extra_headers(self, path: str) -> None:
        _kept(self)


class StyleSheet(RequestHandler):
    """All styles at once and packed: a browser shows nothing of a page before it has them."""

    @override
    def get(self) -> None:
        packed = "gzip" in self.request.headers.get("Accept-Encoding", "")
        self.set_header("Content-Type", "text/css; charset=utf-8")
        self.set_header("Vary", "Accept-Encoding")
        if packed:
            self.set_header("Content-Encoding", "gzip")
        _kept(self)
        self.finish(style_sheet(packed=packed))

    @override
    def head(self) -> None:
        self.get()


@lru_cache
def style_sheet(*, packed: bool) -> bytes:
    """Return the styles of the portal."""
    content = b"\n".join((STATIC / f"{name}.css").read_bytes() for name in SHEETS)
    return gzip.compress(content, mtime=0) if packed else content


def _kept(handler: RequestHandler) -> None:
    handler.set_header("X-Content-Type-Options", "nosniff")
    versioned = f"{PREFIX}/static/v-" in handler.request.path
    handler.set_header("Cache-Control", "public, max-age=31536000, immutable" if versioned else "no-cache")


def static_routes() -> list[tuple[str, type[Any], dict[str, Any]]]:
    """Return the addresses of static files for tornado."""
    place = f"{PREFIX}/static/(?:v-[0-9a-f]{{12}}/)?"
    return [
        (f"{place}portal\\.css", StyleSheet, {}),
        (f"{place}(.*)", StaticFiles, {"path": str(STATIC)}),
    ]
