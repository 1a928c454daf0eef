"""Pages as text: the portal's Jinja environment, and what of strangers' words it renders."""

import hashlib
from collections.abc import Callable, Mapping
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import jinja2
import nh3
from markdown_it import MarkdownIt
from markupsafe import Markup

from avi_kernel.protocol import licences
from avi_kernel.protocol.folder import LONGEST_README
from avi_kernel.protocol.readable import (
    amount,
    clock,
    duration,
    isotime,
    minute,
    percent,
    plain,
    ran_for,
    sentence,
    shorten,
    shown,
    size,
    summary,
    utc,
)
from gavip_hub.domain.repetition import is_product
from gavip_hub.domain.userpaths import is_platforms, is_shared
from gavip_hub.handlers.abstracts import abstract

TEMPLATES = Path(str(files("gavip_hub") / "templates"))
STATIC = Path(str(files("gavip_hub") / "static"))
PAGE_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""Content-Security-Policy of every page: nothing inline, nothing from elsewhere."""

READMES_KEPT = 200
_CUT = Markup("<p><em>The text goes on; what is shown here was cut.</em></p>\n")


def make_environment(prefix: str) -> jinja2.Environment:
    """Make the environment of the portal's pages: everything escaped, an undefined name is an error.

    Parameters
    ----------
    prefix
        Path of the service, with no slash at the end.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        amount=amount,
        clock=clock,
        minute=minute,
        duration=duration,
        inline_code=inline_code,
        isotime=isotime,
        licence_page=licences.page_of,
        percent=percent,
        plain=plain,
        query=query,
        ran_for=ran_for,
        repeated=repeated_page,
        sentence=sentence,
        shorten=shorten,
        shown=shown,
        size=size,
        summary=summary,
        utc=utc,
    )
    environment.tests.update(
        platforms=lambda path: is_platforms(path.split("/")), shared=lambda path: is_shared(path.split("/"))
    )
    environment.globals.update(
        root=f"{prefix}/",
        hub="/hub/",
        static=static_address(f"{prefix}/"),
        abstract=abstract,
        licences=licences.USUAL,
        nav="",
        notices=(),
    )
    return environment


def repeated_page(again_of: str) -> str:
    """Return the page of what a job repeats, below the portal's."""
    return f"{'products' if is_product(again_of) else 'jobs'}/{again_of}"


def static_address(root: str) -> Callable[[str], str]:
    """Return the function that templates use as `static("name")`; the address changes with the content."""
    return lambda name: f"{root}static/v-{_digest()}/{name}"


@lru_cache
def _digest() -> str:
    """Return a word that changes when any file does: modules name one another, so all change their addresses."""
    digest = hashlib.sha256()
    for path in sorted(STATIC.iterdir()):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def markdown(text: str, *, title: str = "") -> Markup:
    """Render an author's text: a stranger's, so cleaned, with no image and no address but links.

    Parameters
    ----------
    title
        What the page's own heading says already; a text that begins with it need not repeat it.
    """
    lines = text.strip().split("\n", 1)
    if title and lines[0].strip("# ") == title:
        text = "".join(lines[1:])
    renderer = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = renderer.parse(text)
    for token in tokens:
        if token.type in {"heading_open", "heading_close"}:
            # Below the page's own title and section.
            token.tag = f"h{min(6, int(token.tag[1]) + 2)}"
    html = renderer.renderer.render(tokens, renderer.options, {})
    tags = {
        *("a", "blockquote", "br", "code", "em", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre"),
        *("strong", "table", "tbody", "td", "th", "thead", "tr", "ul"),
    }
    attributes = {"a": {"href", "title"}, "ol": {"start"}}
    clean = nh3.clean(html, tags=tags, attributes=attributes, url_schemes={"http", "https", "mailto"})
    return Markup(clean)  # noqa: S704 - nh3 has just cleaned it


@lru_cache(maxsize=READMES_KEPT)
def readme_page(text: str, *, title: str, cut: bool) -> Markup:
    """Render a release's readme, or find it rendered; call it in a thread, since some texts take seconds.

    Parameters
    ----------
    cut
        Whether the author's text goes on: then its reader is told so.
    """
    shown_part = markdown(text[:LONGEST_README], title=title)
    return shown_part + _CUT if cut or len(text) > LONGEST_README else shown_part


def inline_code(text: str) -> Markup:
    """Render what stands between backticks as code, and nothing else of an author's line."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        # The last backtick has no partner: it is a character like others.
        parts[-2:] = ["`".join(parts[-2:])]
    code = Markup("<code>{}</code>")
    return Markup().join(code.format(part) if place % 2 else part for place, part in enumerate(parts))


def query(values: Mapping[str, Any]) -> str:
    """Write a query string of what is set."""
    return urlencode({name: value for name, value in values.items() if value})
