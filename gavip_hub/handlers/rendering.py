"""Pages as text: the portal's Jinja environment, and how it writes numbers, times and strangers' words."""

import hashlib
import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import jinja2
import nh3
from markdown_it import MarkdownIt
from markupsafe import Markup
from pydantic import JsonValue

from avi_kernel.protocol.api import JobView
from avi_kernel.protocol.folder import LONGEST_README

if TYPE_CHECKING:  # tables are made of these functions
    from gavip_hub.handlers.tables import Table

TEMPLATES = Path(str(files("gavip_hub") / "templates"))
STATIC = Path(str(files("gavip_hub") / "static"))
PAGE_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""Content-Security-Policy of every page: nothing inline, nothing from elsewhere."""

_ANSI = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_LARGE_NUMBER = re.compile(r"(?<![\w.:/-])\d{4,}(?![\w.:/-]|\.\d)")
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?|nan|NaN")
_KB = 1000
READMES_KEPT = 32
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
        number_columns=number_columns,
        percent=percent,
        plain=plain,
        query=query,
        ran_for=ran_for,
        sentence=sentence,
        shorten=shorten,
        shown=shown,
        size=size,
        summary=summary,
        utc=utc,
    )
    environment.globals.update(
        root=f"{prefix}/",
        hub="/hub/",
        static=static_address(f"{prefix}/"),
        nav="",
        notices=(),
    )
    return environment


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


def sentence(text: str) -> str:
    """Write a reason as a sentence of a page: a capital in front, its numbers as elsewhere."""
    spaced = _LARGE_NUMBER.sub(lambda found: amount(int(found[0])), text)
    return spaced[:1].upper() + spaced[1:]


def number_columns(table: "Table") -> list[bool]:
    """Tell which columns hold nothing but numbers, which are read from the right."""
    values = zip(*table.rows, strict=True) if table.rows else ([""] for _ in table.columns)
    return [
        any(column) and all(not value or _NUMBER.fullmatch(value) for value in column) for column in values
    ]


def plain(text: str) -> str:
    """Take terminal colours and control characters out of what a program wrote."""
    return _CONTROL.sub("", _ANSI.sub("", text.replace("\r\n", "\n")))


def amount(value: float) -> str:
    """Write a number with thin spaces between thousands and no needless zeros."""
    if isinstance(value, int):
        return f"{value:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")
    text = f"{value:,.0f}" if value.is_integer() else f"{value:,.2f}".rstrip("0").rstrip(".")
    return text.replace(",", "\N{NARROW NO-BREAK SPACE}")


def size(count: int) -> str:
    """Write a number of bytes with its unit."""
    if count < _KB:
        return f"{count} B"
    power = min(4, int(math.log(count, _KB)))
    return f"{count / _KB**power:.3g} {('kB', 'MB', 'GB', 'TB')[power - 1]}"


def duration(seconds: float) -> str:
    """Write a time span in its two largest units."""
    whole = int(seconds)
    if seconds < 10:  # noqa: PLR2004 - tenths matter only in short spans
        return f"{seconds:.1f} s" if seconds != whole else f"{whole} s"
    parts = [(whole // 86400, "d"), (whole // 3600 % 24, "h"), (whole // 60 % 60, "min"), (whole % 60, "s")]
    first = next(index for index, (count, _) in enumerate(parts) if count)
    return " ".join(f"{count} {unit}" for count, unit in parts[first : first + 2] if count)


def percent(fraction: float) -> str:
    """Write how far something is that has not ended: 99 % at most."""
    return f"{min(99, int(fraction * 100))} %"


def isotime(moment: datetime) -> str:
    """Write a moment for machines."""
    return _aware(moment).isoformat(timespec="seconds").replace("+00:00", "Z")


def utc(moment: datetime) -> str:
    """Write a moment for people, with its zone."""
    return f"{_aware(moment):%-d %b %Y, %H:%M} UTC"


def clock(moment: datetime, since: datetime | None = None) -> str:
    """Write a moment to the second; of the same day as another moment, without the day."""
    own = _aware(moment)
    if since is not None and _aware(since).date() == own.date():
        return f"{own:%H:%M:%S}"
    return f"{own:%-d %b %Y, %H:%M:%S} UTC"


def minute(moment: datetime, now: datetime) -> str:
    """Write a moment that is only roughly known: to the minute, and of the same day without the day."""
    own = _aware(moment)
    return f"{own:%H:%M}" if _aware(now).date() == own.date() else f"{own:%-d %b, %H:%M}"


def _aware(moment: datetime) -> datetime:
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def ran_for(job: JobView, now: datetime) -> str:
    """Write how long a job ran, or runs already."""
    if job.started_at is None:
        return "\N{EN DASH}"
    end = _aware(job.ended_at or now)
    return duration(max(0.0, (end - _aware(job.started_at)).total_seconds()))


def shorten(text: str, length: int) -> str:
    """Cut a sentence to fit a line."""
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


def shown(value: JsonValue) -> str:
    """Write a parameter's value."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return shorten(f"{value:g}" if isinstance(value, float) else str(value), 400)


def summary(parameters: Mapping[str, JsonValue]) -> str:
    """Write the first parameters in one line."""
    pairs = (f"{name} {shorten(shown(value), 40)}" for name, value in parameters.items() if value != "")
    return shorten(", ".join(pairs), 120)


def query(values: Mapping[str, Any]) -> str:
    """Write a query string of what is set."""
    return urlencode({name: value for name, value in values.items() if value})
