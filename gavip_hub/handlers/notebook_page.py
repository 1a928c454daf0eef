"""An executed notebook as a page: made by nbconvert in a process of its own, since the notebook is a stranger's.

Run as `python -m gavip_hub.handlers.notebook_page`, it reads a notebook and writes HTML.
"""

import asyncio
import os
import re
import resource
import sys
from collections import OrderedDict
from collections.abc import Awaitable, Callable

from gavip_hub.handlers.rendering import STATIC

CONTENT_CSP = (
    "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
"""Of everything a user made: no script, no request, an origin of nobody's."""
LONGEST_SECONDS = 30
MOST_MEMORY = 2 * 1024**3
KEPT = 16
KEPT_BYTES = 32_000_000
_CALLS = re.compile(r"<(?=(?:link|meta|base|iframe|frame|object|embed)\b)", re.IGNORECASE)
"""Begins of elements that call other hosts, some by a connection alone, which no policy holds back; they are shown as text."""
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Notebook</title><style>{style}</style></head><body>{body}</body></html>
"""


class Unreadable(Exception):
    """The file is no notebook that can be shown; the message is a sentence for its owner."""


class NotebookPages:
    """Renders notebooks, one at a time, and keeps the latest pages by the notebook's hash."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._turn = asyncio.Lock()

    async def page(self, digest: str, read: Callable[[], Awaitable[bytes]]) -> bytes:
        """Return the HTML of a notebook.

        Parameters
        ----------
        digest
            The notebook's SHA-256, under which its page is kept.
        read
            Gives the notebook; called where its page is not kept, and in turn: those who wait hold no content.

        Raises
        ------
        Unreadable
            It is no notebook, or rendering it takes too much.
        """
        async with self._turn:
            if digest not in self._kept:
                self._keep(digest, await _convert(await read()))
            self._kept.move_to_end(digest)
            return self._kept[digest]

    def _keep(self, digest: str, page: bytes) -> None:
        self._kept[digest] = page
        while len(self._kept) > 1 and (
            len(self._kept) > KEPT or sum(map(len, self._kept.values())) > KEPT_BYTES
        ):
            self._kept.popitem(last=False)


async def _convert(notebook: bytes) -> bytes:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-I",
        "-m",
        __name__,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={"PATH": os.defpath, "LANG": "C.UTF-8", "HOME": "/nonexistent"},
    )
    try:
        page, _ = await asyncio.wait_for(process.communicate(notebook), LONGEST_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()
        raise Unreadable("This notebook takes too long to render; download it instead.") from None
    if process.returncode != 0:
        raise Unreadable("This notebook cannot be rendered; download it instead.")
    return page


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (LONGEST_SECONDS, LONGEST_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def _body(text: str) -> str:
    # Half of the time would go into this grammar, built at import by jsonschema and used by nobody here.
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]  # None makes its import fail
    import nbformat  # noqa: PLC0415 - only the child pays for it
    from nbconvert import HTMLExporter  # noqa: PLC0415 - as above

    exporter = HTMLExporter(template_name="basic", exclude_anchor_links=True)  # type: ignore[no-untyped-call]
    notebook = nbformat.reads(text, as_version=4)  # type: ignore[no-untyped-call]
    body: str = exporter.from_notebook_node(notebook)[0]
    return _CALLS.sub("&lt;", body)


def main() -> None:
    """Convert standard input to standard output."""
    _limit()
    body = _body(sys.stdin.buffer.read().decode("utf-8"))
    style = (STATIC / "notebook.css").read_text("utf-8")
    sys.stdout.buffer.write(_PAGE.format(style=style, body=body).encode())


if __name__ == "__main__":
    main()
