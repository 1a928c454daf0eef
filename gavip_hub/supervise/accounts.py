"""Passwords of the embedded sign-in: one a user, made at the first start, kept hashed."""

import dbm
import secrets
from pathlib import Path

import bcrypt

from gavip_hub.supervise.installation import write_private

DATABASE = "hub/passwords.dbm"
"""The base name that FirstUseAuthenticator opens; `dbm` may add endings."""
LISTING = "secrets/passwords.txt"
_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"


def seed_passwords(root: Path, users: list[str]) -> list[str]:
    """Make a password for every user who has none; return whose were made.

    A user without one must not exist: the authenticator gives the account to whoever signs in first.
    """
    made = {}
    with dbm.open(str(root / DATABASE), "c", 0o600) as hashes:
        for user in users:
            if user.encode() not in hashes:
                made[user] = _new_password()
                hashes[user.encode()] = bcrypt.hashpw(made[user].encode(), bcrypt.gensalt())
    if made:
        _list({**read_passwords(root), **made}, root)
    return list(made)


def set_password(root: Path, user: str, password: str | None = None) -> str:
    """Give a user a new password, made where none is given, and return it."""
    new = password or _new_password()
    with dbm.open(str(root / DATABASE), "c", 0o600) as hashes:
        hashes[user.encode()] = bcrypt.hashpw(new.encode(), bcrypt.gensalt())
    _list({**read_passwords(root), user: new}, root)
    return new


def read_passwords(root: Path) -> dict[str, str]:
    """Return the passwords as they were made; one that its user changed since is listed as it was."""
    file = root / LISTING
    lines = file.read_text().splitlines() if file.exists() else []
    pairs = (line.partition(" ") for line in lines if line and not line.startswith("#"))
    return {user: password for user, _, password in pairs}


def _new_password() -> str:
    """100 bits in five groups that can be read aloud and typed."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(5))


def _list(passwords: dict[str, str], root: Path) -> None:
    head = "# Made by GAVIP. Hand them out, then delete this file; the platform keeps hashes only.\n"
    lines = (f"{user} {password}\n" for user, password in passwords.items())
    write_private(root / LISTING, head + "".join(lines))
