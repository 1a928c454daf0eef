"""Pages of `gavip dev` as text, and which results a browser may show."""

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2

from avi_kernel.protocol import readable
from avi_kernel.protocol.runs import ResultEntry

TEMPLATES = Path(str(files("avi_kernel") / "standalone" / "templates"))
STATIC = Path(str(files("avi_kernel") / "standalone" / "static"))
MOST_LINES = 300
"""Of a log, on its job's page."""
PICTURES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/svg+xml"})
_TEXTS = ("text/plain", "text/csv", "text/tab-separated-values", "text/markdown", "application/json")
_FILTERS = (
    "amount",
    "duration",
    "isotime",
    "percent",
    "plain",
    "ran_for",
    "sentence",
    "shown",
    "size",
    "summary",
)


def render(template: str, **values: Any) -> str:
    """Return a page."""
    return _environment().get_template(template).render(now=datetime.now(UTC), **values)


@lru_cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update({name: getattr(readable, name) for name in _FILTERS}, clock=_clock)
    environment.globals.update(is_picture=lambda entry: _kind(entry) in PICTURES, viewed_as=viewed_as)
    return environment


def _clock(moment: datetime) -> str:
    """Write a moment as this machine's own clock shows it: its developer is the only reader."""
    own = moment.astimezone()
    today = own.date() == datetime.now().astimezone().date()
    return f"{own:%H:%M:%S}" if today else f"{own:%-d %b, %H:%M}"


def last_lines(text: str) -> tuple[str, bool]:
    """Return the end of a log, and whether something stands before it."""
    lines = readable.plain(text).splitlines()
    return "\n".join(lines[-MOST_LINES:]), len(lines) > MOST_LINES


def viewed_as(entry: ResultEntry) -> str:
    """Return as what a browser may show a result; nothing where it is only for download, such as HTML."""
    kind = _kind(entry)
    if kind in PICTURES:
        return kind
    return "text/plain; charset=utf-8" if kind in _TEXTS else ""


def in_order(results: Iterable[ResultEntry]) -> list[ResultEntry]:
    """Return pictures first, and executed notebooks last."""
    return sorted(results, key=lambda entry: (_kind(entry) not in PICTURES, entry.name.endswith(".ipynb")))


def _kind(entry: ResultEntry) -> str:
    return entry.media_type.partition(";")[0].strip().lower()
