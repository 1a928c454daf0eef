"""Codes by which somebody joins a command without a browser to their sign-in in one (docs/adr/0047)."""

import hashlib
import secrets

LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
"""No vowels, so that no code is a word, and none that looks like a digit."""
_HALF = 4
_LONGEST_NOTE = 60


def new_user_code() -> str:
    """Return a code to be read from one screen and typed at another; 34 bits, good for minutes."""
    letters = "".join(secrets.choice(LETTERS) for _ in range(2 * _HALF))
    return f"{letters[:_HALF]}-{letters[_HALF:]}"


def new_device_code() -> str:
    """Return what the command alone knows, and shows when it asks whether it was allowed."""
    return secrets.token_urlsafe(32)


def digest(device_code: str) -> str:
    """Return under what a device code is kept."""
    return hashlib.sha256(device_code.encode("utf-8", "replace")).hexdigest()


def as_typed(text: str) -> str:
    """Return a user code in its one spelling, however it was typed."""
    letters = "".join(letter for letter in text.upper()[:40] if letter in LETTERS)
    return f"{letters[:_HALF]}-{letters[_HALF:]}"


def plain_note(text: str) -> str:
    """Return what a command says of its machine, as far as it can be shown: it is anybody's."""
    kept = "".join(letter if letter.isascii() and letter.isprintable() else "?" for letter in text)
    return kept.strip()[:_LONGEST_NOTE] or "a machine without a name"
