"""Eighty scripts in one: what Voilà's page loads piece by piece, sent together and compressed once.

A piece only adds itself to a list that the loader reads when it starts, so pieces can simply be joined. Which
ones a page with widgets asks for is written in `share/bundle.json`; a name that is not installed here is left
out, and a piece that is missing from the list is loaded by itself: a wrong list costs time, nothing else.

Joining and compressing cost 0.3 s of a core. `avi_kernel.interface.ahead` does it when an image is built; a server takes
what it finds there if it was made of the very files that it would join.
"""

import asyncio
import gzip
import hashlib
import json
from pathlib import Path

import tornado.web
from typing_extensions import override

from avi_kernel.interface.assets import OWN, Assets

LIST = OWN / "bundle.json"
AHEAD = OWN / "ahead"
"""Where an image has what was joined when it was built."""


class Bundle:
    """The joined scripts, compressed; made once, in a thread.

    Parameters
    ----------
    folder
        Where it may lie already.
    """

    def __init__(self, assets: Assets, *, folder: Path = AHEAD) -> None:
        self._assets = assets
        self._folder = folder
        self._making: asyncio.Task[bytes] | None = None

    async def compressed(self) -> bytes:
        """Return the whole as gzip."""
        if self._making is None:
            self._making = asyncio.create_task(asyncio.to_thread(self._make))
        return await asyncio.shield(self._making)

    def pieces(self) -> list[Path]:
        """Return the files of this machine that are on the list."""
        found = [self._assets.find(name) for name in json.loads(LIST.read_text())]
        return [path for path in found if path is not None]

    def make_ahead(self) -> Path:
        """Write it where servers look for it; return the file."""
        self._folder.mkdir(exist_ok=True)
        self.ahead().write_bytes(self._joined())
        return self.ahead()

    def ahead(self) -> Path:
        """Return where it lies if it was made ahead; a piece that changed since gives it another name."""
        seen = [(str(path), (status := path.stat()).st_size, int(status.st_mtime)) for path in self.pieces()]
        return self._folder / f"{hashlib.sha256(json.dumps(seen).encode()).hexdigest()[:16]}.js.gz"

    def _make(self) -> bytes:
        made = self.ahead()
        return made.read_bytes() if made.is_file() else self._joined()

    def _joined(self) -> bytes:
        return gzip.compress(b";\n".join(path.read_bytes() for path in self.pieces()), 6)


class BundleHandler(tornado.web.RequestHandler):
    """Serve the bundle: public library code, to be kept for ever."""

    @override
    def initialize(self, bundle: Bundle) -> None:
        self._bundle = bundle

    @override
    async def get(self) -> None:
        """Send it as it is kept; every browser takes gzip."""
        self.set_header("Content-Type", "text/javascript; charset=utf-8")
        self.set_header("Cache-Control", "public, max-age=31536000, immutable")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Content-Encoding", "gzip")
        self.write(await self._bundle.compressed())
