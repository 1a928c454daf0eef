"""What is said where platform and command are of different versions."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from avi_kernel.cli import exits
from avi_kernel.openapi import beyond_us

_NUMBERS = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9}){0,3}")
_READ = "3."
"""Documents that begin so are read."""


def difference(document: dict[str, Any], *, url: str, own: str) -> Iterator[str]:
    """Yield sentences for people: who is newer, and what this command cannot do."""
    if not str(document.get("openapi", _READ)).startswith(_READ):
        yield f"{url} describes its API in a way that this command does not know: update it by pip install --upgrade avi-kernel"
    theirs = platform_version(document)
    if theirs and _numbers(theirs) > _numbers(own):
        yield (
            f"{url} runs GAVIP {theirs}, which is newer than this command ({own}). All that it offers is there; for what "
            "the command itself has learned since: pip install --upgrade avi-kernel"
        )
    elif theirs and _numbers(theirs) < _numbers(own):
        yield (
            f"{url} runs GAVIP {theirs}, which is older than this command ({own}). What it offers is there; what it does "
            "not have yet is refused when it is asked for."
        )
    if missing := ", ".join(beyond_us(document)):
        yield f"This command cannot do of {url}: {missing}."


def platform_version(document: dict[str, Any]) -> str:
    """Return a platform's version as far as it is plain numbers; nothing where it says none."""
    found = _NUMBERS.match(str(document.get("info", {}).get("version", "")))
    return found.group() if found else ""


def _numbers(version: str) -> tuple[int, ...]:
    found = _NUMBERS.match(version)
    return tuple(map(int, found.group().split("."))) if found else ()


def require(document: dict[str, Any], needed: Iterable[str], *, url: str) -> None:
    """Refuse what a platform has no operations for.

    Raises
    ------
    exits.Stop
        Saying which platform that is, and of which version.
    """
    known = {what.get("operationId") for methods in document["paths"].values() for what in methods.values()}
    if set(needed) - known:
        version = platform_version(document) or "an unknown version"
        raise exits.Stop(
            f"{url} cannot do that: it runs GAVIP {version}, which knows no {', '.join(sorted(set(needed) - known))}.",
            code=exits.NOT_FOUND,
            next_step="It needs a newer platform.",
        )
