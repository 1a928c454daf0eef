"""What the link carried by which this interface was opened, as `.../avis/stars/open?radius=2`.

Examples
--------
>>> from avi_kernel import link
>>> link.value("radius", 5.0, minimum=0.1, maximum=20)
5.0
"""

import os
from collections.abc import Collection
from typing import TypeVar
from urllib.parse import parse_qsl

from avi_kernel.protocol.links import link_values

QUERY = "QUERY_STRING"
"""Set by the interface's server for the kernel of each page."""
_WORDS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}

T = TypeVar("T", str, int, float, bool)


def values() -> dict[str, str]:
    """Return name -> text of all that the link carried; nothing, where it carried what no link may."""
    try:
        return link_values(parse_qsl(os.environ.get(QUERY, ""), keep_blank_values=True))
    except ValueError:
        return {}


def value(
    name: str,
    default: T,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    choices: Collection[T] | None = None,
) -> T:
    """Return one value of the link, of the default's type; the default, where it is missing or not acceptable.

    Parameters
    ----------
    minimum, maximum
        Of a number.
    choices
        What is accepted; default: anything. Whoever wrote the link may have written anything.
    """
    text = values().get(name)
    try:
        found = default if text is None else _typed(text, default)
    except (KeyError, ValueError):
        return default
    if choices is not None and found not in choices:
        return default
    if isinstance(found, str):
        return found
    low = minimum is None or found >= minimum
    high = maximum is None or found <= maximum
    return found if low and high and found == found else default  # noqa: PLR0124 - not a number is no number


def _typed(text: str, default: T) -> T:
    if isinstance(default, bool):
        return _WORDS[text.lower()]
    return type(default)(text)
