"""Names for rows: short, in lower case, growing with time."""

import secrets
from datetime import datetime

_DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"
_TIME_DIGITS = 9
_RANDOM_DIGITS = 7


def new_id(prefix: str, *, now: datetime) -> str:
    """Return an id that sorts after all earlier ones of the same prefix and cannot be guessed from them.

    Lower case and short, since it becomes part of container names and socket paths.
    """
    milliseconds = int(now.timestamp() * 1000)
    return (
        prefix
        + _digits(milliseconds, _TIME_DIGITS)
        + _digits(secrets.randbits(5 * _RANDOM_DIGITS), _RANDOM_DIGITS)
    )


def first_id(prefix: str, *, now: datetime) -> str:
    """Return what sorts before all ids that are made from this moment on."""
    return prefix + _digits(int(now.timestamp() * 1000), _TIME_DIGITS)


def _digits(number: int, many: int) -> str:
    return "".join(_DIGITS[(number >> 5 * place) & 31] for place in reversed(range(many)))
