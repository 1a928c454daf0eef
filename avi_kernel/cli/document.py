"""The platform's OpenAPI document, kept and asked for again when it may have changed."""

import time
from typing import Any

from avi_kernel.cli import settings
from avi_kernel.transport import ApiError, Transport

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
        fresh = _fetch(url, known)
    except ApiError:
        if not known:
            raise
        fresh = known  # the command itself will say that nobody answers
    settings.cache_document(url, fresh)
    found: dict[str, Any] = fresh["document"]
    return found


def _fetch(url: str, known: dict[str, Any]) -> dict[str, Any]:
    transport = Transport(url=url, token=None)
    headers = {"If-None-Match": known["etag"]} if known.get("etag") else {}
    try:
        answer = transport.request("GET", "/openapi.json", headers=headers)
        if answer.status_code == _NOT_MODIFIED:
            return {**known, "checked": time.time()}
        return {"etag": answer.headers.get("Etag"), "checked": time.time(), "document": answer.json()}
    finally:
        transport.close()
