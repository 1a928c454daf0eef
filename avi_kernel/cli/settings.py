"""What the command remembers: platforms, tokens, and their API's documents."""

import json
import os
from dataclasses import dataclass
from typing import Any

from avi_kernel.cli import keyrings

DEFAULT_URL = "http://gavip.localhost:8000"
URL_VARIABLE = "GAVIP_URL"
TOKEN_VARIABLE = "GAVIP_TOKEN"  # noqa: S105 - the variable's name


@dataclass(frozen=True, kw_only=True)
class Platform:
    """One platform and who we are there."""

    url: str
    token: str | None = None
    user: str | None = None


def config_file() -> str:
    """Return the file of platforms and tokens."""
    return f"{_folder('XDG_CONFIG_HOME', '~/.config')}/platforms.json"


def cache_folder() -> str:
    """Return the folder of what can be found again."""
    return _folder("XDG_CACHE_HOME", "~/.cache")


def _folder(variable: str, usual: str) -> str:
    # As text: `pathlib` takes a tenth of the command's start.
    return f"{os.environ.get(variable) or os.path.expanduser(usual)}/gavip"  # noqa: PTH111 - as above


def cache_file(url: str, *, what: str = "openapi") -> str:
    """Return a file of what is kept of a platform."""
    plain = "".join(letter if letter.isalnum() or letter in ".-" else f"%{ord(letter):02X}" for letter in url)
    return f"{cache_folder()}/{what}-{plain}.json"


def address(url: str | None = None) -> str:
    """Return the platform to talk to: the one asked for, the environment's, or the last that was signed in to."""
    chosen = url or os.environ.get(URL_VARIABLE) or read(config_file()).get("last") or DEFAULT_URL
    return str(chosen).rstrip("/")


def current(url: str | None = None) -> Platform:
    """Return the platform to talk to, and who we are there."""
    chosen = address(url)
    found = known(chosen) or Platform(url=chosen)
    token = os.environ.get(TOKEN_VARIABLE)
    return Platform(url=chosen, token=token, user=found.user) if token else found


def known(url: str) -> Platform | None:
    """Return a platform that was signed in to; None where it was not, or not at this address."""
    own = read(config_file()).get("platforms", {}).get(url)
    if not own:
        return None
    token = own.get("token") or (keyrings.token_of(url, _account(own)) if own.get("in_keyring") else None)
    return Platform(url=url, token=token, user=own.get("user"))


def remember(platform: Platform) -> bool:
    """Keep a platform's token and make it the one that is talked to; tell whether the system's keyring took it.

    Without one it lies in a file that its owner alone can read.
    """
    kept = read(config_file())
    kept["last"] = platform.url
    own = {"user": platform.user}
    in_keyring = bool(platform.token) and keyrings.keep(platform.url, _account(own), platform.token or "")
    kept.setdefault("platforms", {})[platform.url] = {
        **own,
        "token": None if in_keyring else platform.token,
        "in_keyring": in_keyring,
    }
    write_private(config_file(), kept)
    return in_keyring


def forget(url: str) -> bool:
    """Drop a platform's token; tell whether there was one."""
    kept = read(config_file())
    found = kept.get("platforms", {}).pop(url, None)
    write_private(config_file(), kept)
    if found and found.get("in_keyring"):
        keyrings.forget(url, _account(found))
    return found is not None


def _account(own: dict[str, Any]) -> str:
    return str(own.get("user") or "token")


def cached_document(url: str) -> dict[str, Any]:
    """Return `{"etag", "checked", "document"}`, or nothing."""
    return read(cache_file(url))


def cached_groups(url: str) -> dict[str, str]:
    """Return group -> one line of help, of a platform whose document is kept."""
    return read(cache_file(url, what="groups"))


def cache_document(url: str, content: dict[str, Any], *, groups: dict[str, str]) -> None:
    """Keep a platform's API document, and apart from it what help shows: it is read fifty times as fast."""
    write_private(cache_file(url), content)
    write_private(cache_file(url, what="groups"), groups)


def read(path: str) -> dict[str, Any]:
    """Return what a file of ours holds; nothing where there is none or it is broken."""
    try:
        with open(path, encoding="utf-8") as file:  # noqa: PTH123 - as above
            content = json.load(file)
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def write_private(path: str, content: dict[str, Any]) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    folder, name = os.path.split(path)
    os.makedirs(folder, exist_ok=True, mode=0o700)  # noqa: PTH103 - as above
    partial = f"{folder}/.{name}.{os.getpid()}"
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(content, file)
    os.replace(partial, path)  # noqa: PTH105 - as above
