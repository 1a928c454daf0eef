"""What AVIs and their versions may be called."""

import re

from avi_kernel.protocol.names import NAME_RULE, is_avi_name
from gavip_hub.exceptions import BadRequest

RESERVED = frozenset({"notebook"})
"""How people see the server that the Hub leaves unnamed."""
_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+_-]{0,39}")


def require_avi_name(avi: str, *, field: str = "avi") -> None:
    """Refuse what is no name of an AVI: it becomes a part of a host's name."""
    if avi in RESERVED:
        raise BadRequest(f"The platform itself uses the name {avi!r}; choose another.", field=field)
    if not is_avi_name(avi):
        raise BadRequest(NAME_RULE, field=field)


def require_version(version: str) -> None:
    """Refuse what is no version."""
    # It becomes a tag, and git takes no such one.
    is_tag = ".." not in version and not version.endswith((".", ".lock"))
    if not (is_tag and _VERSION.fullmatch(version)):
        raise BadRequest("A version has up to 40 letters, digits and . + _ -, as in 1.2.0.", field="version")
