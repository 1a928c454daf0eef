"""Tokens in the system's keyring, where the package `keyring` is installed and finds one; else they stay in our file."""

from contextlib import suppress
from typing import Any

_SERVICE = "gavip {url}"
_LEAST = 1
"""Of a backend's priority: below are those that keep nothing, or keep it in plain text."""


def keep(url: str, user: str, token: str) -> bool:
    """Keep a token of a platform; tell whether a keyring took it."""
    backend = _backend()
    if backend is None:
        return False
    with suppress(Exception):  # a keyring that is locked or broken says so in ways of its own
        backend.set_password(_SERVICE.format(url=url), user, token)
        return bool(backend.get_password(_SERVICE.format(url=url), user) == token)
    return False


def token_of(url: str, user: str) -> str | None:
    """Return a token that was kept; None where the keyring is gone, or closed."""
    backend = _backend()
    if backend is None:
        return None
    with suppress(Exception):  # as above
        found = backend.get_password(_SERVICE.format(url=url), user)
        return str(found) if found else None
    return None


def forget(url: str, user: str) -> None:
    """Drop a token; no harm where there is none."""
    backend = _backend()
    if backend is not None:
        with suppress(Exception):  # as above
            backend.delete_password(_SERVICE.format(url=url), user)


def _backend() -> Any:
    """Return the system's keyring, or None."""
    with suppress(Exception):  # it is not installed, or as above
        import keyring  # type: ignore[import-not-found]  # noqa: PLC0415 - only who has one pays for it

        backend = keyring.get_keyring()
        return backend if float(backend.priority) >= _LEAST else None
    return None
