"""What AVIs and their versions may be called."""

import re

from gavip_hub.exceptions import BadRequest

RESERVED = frozenset({"notebook"})
"""How people see the server that the Hub leaves unnamed."""
_SLUG = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_SLUG_LENGTH = range(2, 21)
_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+_-]{0,39}")


def require_avi_name(avi: str, *, field: str = "avi") -> None:
    """Refuse what is no name of an AVI: it becomes a part of a host's name."""
    if avi in RESERVED:
        raise BadRequest(f"The platform itself uses the name {avi!r}; choose another.", field=field)
    if not _SLUG.fullmatch(avi) or len(avi) not in _SLUG_LENGTH:
        raise BadRequest(
            "An AVI's name has 2 to 20 lower-case letters, digits and single hyphens, a letter first.",
            field=field,
        )


def require_version(version: str) -> None:
    """Refuse what is no version."""
    if not _VERSION.fullmatch(version):
        raise BadRequest("A version has up to 40 letters, digits and . + _ -, as in 1.2.0.", field="version")
