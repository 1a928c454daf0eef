"""Pictures that an AVI's pages show, and the answer to every other address."""

from pathlib import Path

import tornado.web
from jupyter_server.auth.decorator import allow_unauthenticated
from jupyter_server.base.handlers import AuthenticatedFileHandler, JupyterHandler
from typing_extensions import override

SHOWN = {".png", ".jpg", ".jpeg", ".gif", ".webp", ".svg"}
"""Suffixes that may be read: never source."""


class FolderHandler(AuthenticatedFileHandler):
    """Serve pictures of the AVI's folder to its user."""

    @classmethod
    @override
    def get_absolute_path(cls, root: str, path: str) -> str:
        if Path(path).suffix.lower() not in SHOWN:
            raise tornado.web.HTTPError(404)
        return str(super().get_absolute_path(root, path))


class LostHandler(JupyterHandler):
    """Say that there is nothing here."""

    @override
    @allow_unauthenticated
    def get(self, *_: str) -> None:
        """Say so, to whoever asks."""
        raise tornado.web.HTTPError(404)
