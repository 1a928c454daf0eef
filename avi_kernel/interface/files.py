"""Pictures that an AVI's pages show, and the answer to every other address."""

import asyncio
from http import HTTPStatus
from pathlib import Path
from typing import Any

import jupyterhub
import tornado.web
from jupyter_server.auth.decorator import allow_unauthenticated
from jupyter_server.base.handlers import AuthenticatedFileHandler, JupyterHandler
from typing_extensions import override

SHOWN = {".png", ".jpg", ".jpeg", ".gif", ".webp", ".svg"}
"""Suffixes that may be read: never source."""
NOTHING = "there is nothing here; the interface is one page, at the address that ends before this"


class PlainErrors(JupyterHandler):
    """Tells errors in plain text: the framework's page wants files that an interface does not serve."""

    @override
    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Tell what the status means."""
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish(f"{status_code}: {NOTHING if status_code == HTTPStatus.NOT_FOUND else self._reason}\n")


class FolderHandler(PlainErrors, AuthenticatedFileHandler):
    """Serve pictures of the AVI's folder to its user."""

    @classmethod
    @override
    def get_absolute_path(cls, root: str, path: str) -> str:
        if Path(path).suffix.lower() not in SHOWN:
            raise tornado.web.HTTPError(404)
        return str(super().get_absolute_path(root, path))


class AliveHandler(tornado.web.RequestHandler):
    """Answer the Hub, which asks each new server once, before anybody may see it, whether it answers and what it is.

    No page of the framework's own: to render its first one takes as long as to start the server.
    """

    @override
    def initialize(self, seen: asyncio.Event) -> None:
        self._seen = seen

    @override
    def get(self) -> None:
        """Tell the version of the Hub's package, as the Hub expects of a server."""
        self.set_header("X-JupyterHub-Version", jupyterhub.__version__)
        self.set_header("Cache-Control", "no-store")
        self.finish({"version": jupyterhub.__version__})
        self._seen.set()


class LostHandler(PlainErrors):
    """Say that there is nothing here."""

    @override
    @allow_unauthenticated
    def get(self, *_: str) -> None:
        """Say so, to whoever asks."""
        raise tornado.web.HTTPError(404)
