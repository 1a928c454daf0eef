"""A developer's page follows the AVI's source: it reloads itself when that changes. Standalone only, never on a platform."""

import asyncio
import hashlib
import html
import os
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

import tornado.web
from jupyter_server.base.handlers import JupyterHandler
from typing_extensions import override

from avi_kernel.interface.assets import Assets, chosen
from avi_kernel.interface.options import NoInterface
from avi_kernel.interface.rendering import Unreadable
from avi_kernel.protocol.details import MANIFEST_FILE
from avi_kernel.protocol.folder import NO_PART_OF_AN_AVI

MOST_FILES = 2000
"""Source files that are watched; those of a folder come before those of the folders in it."""
MOST_ENTRIES = 20_000
"""What is looked at to find them: folders of data have very many files."""
LONGEST_WORDS = 1000
_NO_SOURCE = NO_PART_OF_AN_AVI | {"results", "node_modules"}
_SUFFIXES = (".ipynb", ".py")
_BROKEN = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>This interface cannot be shown</title><link rel="icon" href="data:,">
<link rel="stylesheet" href="{static}/interface.css">
<script src="{static}/reload.js" data-revision="{revision}" data-ask="{base_url}api/revision"></script></head>
<body class="jp-Notebook"><main id="rendered_cells"><section class="gavip-error" role="alert">
<h2>This interface cannot be shown</h2><p>{words}</p><p>Mend it and save: the page then comes by itself.</p>
</section></main></body></html>
"""


def source_files(folder: Path) -> Iterator[Path]:
    """Yield the notebooks and modules of an AVI's folder and its manifest; links to other folders are not followed."""
    waiting, left = deque([folder]), MOST_ENTRIES
    while waiting and left > 0:
        entries = _entries(waiting.popleft(), left)
        left -= len(entries)
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                if _may_hold_source(entry):
                    waiting.append(Path(entry))
            elif entry.name.endswith(_SUFFIXES) or entry.name == MANIFEST_FILE:
                yield Path(entry)


def _entries(place: Path, most: int) -> "list[os.DirEntry[str]]":
    try:
        with os.scandir(place) as entries:
            return sorted(islice(entries, most), key=lambda entry: entry.name)
    except OSError:  # it has just gone, or is not ours to read
        return []


def _may_hold_source(folder: "os.DirEntry[str]") -> bool:
    return folder.name not in _NO_SOURCE and not Path(folder, "pyvenv.cfg").exists()


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

    def revision(self) -> str:
        """Return a word that changes when any source file does."""
        digest = hashlib.sha256()
        for path in islice(source_files(self._folder), MOST_FILES):
            with suppress(OSError):  # it has just gone
                status = path.stat()
                digest.update(os.fsencode(path) + f"\0{status.st_mtime_ns}\0{status.st_size}\0".encode())
        return digest.hexdigest()[:16]

    def note(self) -> str:
        """Return what a developer must know of the code that a reload does not bring."""
        files = islice(source_files(self._folder), MOST_FILES)
        offered = {extension.name for extension in self._assets.extensions}
        new = [each.name for each in chosen(_joined(files)) if each.name not in offered]
        if not new:
            return ""
        return (
            f"This AVI begins to use {', '.join(new)}: end gavip dev and start it anew, or that is not drawn."
        )


def _joined(files: Iterator[Path]) -> str:
    texts = []
    for path in files:
        with suppress(OSError):
            texts.append(path.read_text(errors="replace"))
    return "\n".join(texts)


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
