"""Values that the link to an AVI carries: short texts, since anybody may have written the link."""

import re
from collections.abc import Iterable, Mapping
from urllib.parse import urlencode

from avi_kernel.protocol.wording import listed

MOST_VALUES = 32
LONGEST_VALUE = 500
LONGEST_LINK = 1500
"""Characters of all of it, as it stands in an address."""
RESERVED = frozenset({"again", "memory_mb", "q", "start", "token", "version"})
"""Names that addresses use themselves."""
FIELD = "p."
"""May stand before a name, as in a form: `p.version` is a parameter, and `version` is the release's."""
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")


def link_values(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return name -> text of what a link carries; what is said twice counts as said last.

    Raises
    ------
    ValueError
        With what would be accepted.
    """
    values: dict[str, str] = {}
    for given, text in pairs:
        if given in RESERVED:
            continue
        name = given.removeprefix(FIELD)
        if not _NAME.fullmatch(name) or name == "token":
            raise ValueError(
                f"A link's parameters have names of letters, digits and `_`, a letter first; got {given[:40]!r}."
            )
        if len(text) > LONGEST_VALUE or not text.replace("\n", "").replace("\t", "").isprintable():
            raise ValueError(f"{name} in this link must be text of at most {LONGEST_VALUE} characters.")
        values[name] = text
    if len(values) > MOST_VALUES:
        raise ValueError(f"A link carries at most {MOST_VALUES} parameters; this has {len(values)}.")
    if len(link_query(values)) > LONGEST_LINK:
        raise ValueError(f"A link carries at most {LONGEST_LINK} characters; shorten {listed(values)}.")
    return values


def link_query(values: Mapping[str, str]) -> str:
    """Return what stands behind the `?` of such a link; parameters that addresses use themselves get a form's name."""
    return urlencode({FIELD + name if name in RESERVED else name: text for name, text in values.items()})


def with_values(address: str, values: Mapping[str, str]) -> str:
    """Return an address that carries values."""
    return f"{address}?{link_query(values)}" if values else address
