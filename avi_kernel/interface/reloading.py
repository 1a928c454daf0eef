"""A developer's page follows the AVI's source: it reloads itself when that changes. Standalone only, never on a platform."""

import asyncio
import hashlib
import html
import os
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import tornado.web
from jupyter_server.base.handlers import JupyterHandler
from typing_extensions import override

from avi_kernel.interface.assets import Assets, chosen
from avi_kernel.interface.options import NoInterface
from avi_kernel.interface.rendering import Unreadable
from avi_kernel.interface.sources import joined, source_files

LONGEST_WORDS = 1000
_BROKEN = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>This interface cannot be shown</title><link rel="icon" href="data:,">
<link rel="stylesheet" href="{static}/interface.css">
<script src="{static}/reload.js" data-revision="{revision}" data-ask="{base_url}api/revision"></script></head>
<body class="jp-Notebook"><main id="rendered_cells"><section class="gavip-error" role="alert">
<h2>This interface cannot be shown</h2><p>{words}</p><p>Mend it and save: the page then comes by itself.</p>
</section></main></body></html>
"""


class _Read(NamedTuple):
    """What a file held when its time and size were these."""

    status: tuple[int, int, int]
    digest: bytes


def _read_again(path: Path, before: _Read | None) -> _Read:
    """Return what a file holds; it is read only where its time or size says that it is another."""
    found = path.stat()
    status = (found.st_mtime_ns, found.st_size, found.st_ino)
    if before and before.status == status:
        return before
    return _Read(status, hashlib.sha256(path.read_bytes()).digest())


class Source:
    """The source of the AVI that is served.

    Parameters
    ----------
    assets
        What the server offers to browsers since it began.
    """

    def __init__(self, folder: Path, *, assets: Assets) -> None:
        self._folder = folder
        self._assets = assets
        self._read: dict[Path, _Read] = {}

    def revision(self) -> str:
        """Return a word that changes with the content of any source file.

        An AVI may write one of its own, as it was before, whenever its cells run.
        """
        digest, seen = hashlib.sha256(), self._read
        self._read = {}
        for path in source_files(self._folder):
            with suppress(OSError):  # it has just gone
                self._read[path] = _read_again(path, seen.get(path))
                digest.update(os.fsencode(path) + b"\0" + self._read[path].digest)
        return digest.hexdigest()[:16]

    def note(self) -> str:
        """Return what a developer must know of the code that a reload does not bring."""
        offered = {extension.name for extension in self._assets.extensions}
        new = [each.name for each in chosen(joined(source_files(self._folder))) if each.name not in offered]
        if not new:
            return ""
        return (
            f"This AVI begins to use {', '.join(new)}: end gavip dev and start it anew, or that is not drawn."
        )


def broken_page(error: Exception, *, revision: str, assets: Assets, base_url: str) -> str:
    """Return the page in place of one that cannot be begun; it waits for the mended source."""
    told = isinstance(error, NoInterface | Unreadable)
    words = str(error) if told else f"{type(error).__name__}: {error}"
    return _BROKEN.format(
        static=assets.static_url,
        base_url=base_url,
        revision=revision,
        words=html.escape(words[:LONGEST_WORDS]),
    )


class RevisionHandler(JupyterHandler):
    """Tell a page which revision of the source there is now."""

    @override
    def initialize(self, source: Source) -> None:
        self._source = source

    @override
    @tornado.web.authenticated
    async def get(self) -> None:
        """Tell it."""
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.set_header("Cache-Control", "no-store")
        self.finish(await asyncio.to_thread(self._source.revision))
