"""What the command remembers: platforms, tokens, and their API's documents."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

DEFAULT_URL = "http://gavip.localhost:8000"
URL_VARIABLE = "GAVIP_URL"
TOKEN_VARIABLE = "GAVIP_TOKEN"  # noqa: S105 - the variable's name


@dataclass(frozen=True, kw_only=True)
class Platform:
    """One platform and who we are there."""

    url: str
    token: str | None = None
    user: str | None = None


def config_file() -> Path:
    """Return the file of platforms and tokens."""
    folder = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(folder) / "gavip" / "platforms.json"


def cache_folder() -> Path:
    """Return the folder of what can be found again."""
    folder = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(folder) / "gavip"


def cache_file(url: str) -> Path:
    """Return the file that holds a platform's API document."""
    return cache_folder() / f"openapi-{quote(url, safe='')}.json"


def current(url: str | None = None) -> Platform:
    """Return the platform to talk to: the one asked for, the environment's, or the last that was signed in to."""
    kept = read(config_file())
    chosen = url or os.environ.get(URL_VARIABLE) or kept.get("last") or DEFAULT_URL
    chosen = chosen.rstrip("/")
    own = kept.get("platforms", {}).get(chosen, {})
    return Platform(
        url=chosen, token=os.environ.get(TOKEN_VARIABLE) or own.get("token"), user=own.get("user")
    )


def known(url: str) -> Platform | None:
    """Return a platform that was signed in to; None where it was not, or not at this address."""
    own = read(config_file()).get("platforms", {}).get(url)
    return Platform(url=url, token=own.get("token"), user=own.get("user")) if own else None


def remember(platform: Platform) -> None:
    """Keep a platform's token, readable by its owner alone, and make it the one that is talked to."""
    kept = read(config_file())
    kept["last"] = platform.url
    kept.setdefault("platforms", {})[platform.url] = {"token": platform.token, "user": platform.user}
    write_private(config_file(), kept)


def forget(url: str) -> bool:
    """Drop a platform's token; tell whether there was one."""
    kept = read(config_file())
    found = kept.get("platforms", {}).pop(url, None)
    write_private(config_file(), kept)
    return found is not None


def cached_document(url: str) -> dict[str, Any]:
    """Return `{"etag", "checked", "document"}`, or nothing."""
    return read(cache_file(url))


def cache_document(url: str, content: dict[str, Any]) -> None:
    """Keep a platform's API document."""
    write_private(cache_file(url), content)


def read(path: Path) -> dict[str, Any]:
    """Return what a file of ours holds; nothing where there is none or it is broken."""
    try:
        content = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def write_private(path: Path, content: dict[str, Any]) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(content, file)
    partial.replace(path)
