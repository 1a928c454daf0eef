"""The platform's OpenAPI document, kept and asked for again when it may have changed."""

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click

from avi_kernel import __version__
from avi_kernel.cli import settings
from avi_kernel.cli.versions import difference
from avi_kernel.openapi import group_summaries
from avi_kernel.transport import ApiError, Transport, Unavailable

if TYPE_CHECKING:
    import httpx

FRESH_FOR = 600.0
_NOT_MODIFIED = 304


def api_document(url: str) -> dict[str, Any]:
    """Return the document of a platform.

    Raises
    ------
    ApiError
        There is none yet, and the platform does not answer.
    """
    known = settings.cached_document(url)
    if known and time.time() - known["checked"] < FRESH_FOR:
        document: dict[str, Any] = known["document"]
        return document
    try:
        return renewed(url)
    except ApiError:
        if not known:
            raise
    kept: dict[str, Any] = known["document"]  # the command itself will say that nobody answers
    return kept


def renewed(url: str) -> dict[str, Any]:
    """Ask for the document of a platform now; say so where it is of another version than this command.

    Raises
    ------
    ApiError
        The platform does not answer.
    """
    known = settings.cached_document(url)
    fresh = _fetch(url, known)
    document: dict[str, Any] = fresh["document"]
    settings.cache_document(url, fresh, groups=group_summaries(document))
    if fresh.get("etag") is None or fresh["etag"] != known.get("etag"):
        for line in difference(document, url=url, own=__version__):
            click.echo(line, err=True)
    return document


def _fetch(url: str, known: dict[str, Any]) -> dict[str, Any]:
    transport = Transport(url=url, token=None)
    headers = {"If-None-Match": known["etag"]} if known.get("etag") else {}
    try:
        answer = transport.request("GET", "/openapi.json", headers=headers)
        if answer.status_code == _NOT_MODIFIED:
            return {**known, "checked": time.time()}
        return {"etag": answer.headers.get("Etag"), "checked": time.time(), "document": _read(url, answer)}
    finally:
        transport.close()


def _read(url: str, answer: "httpx.Response") -> dict[str, Any]:
    """Return the document in an answer, which may be anybody's."""
    with suppress(ValueError):
        document = answer.json()
        if isinstance(document, dict) and isinstance(document.get("paths"), dict):
            return document
    raise Unavailable(f"{url} answers, but is no GAVIP platform: look at the address.")
