"""Templates of AVIs: those that come with the command, and those that a git repository holds."""

import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

from avi_kernel.authoring.git import git, reason
from avi_kernel.authoring.problems import AuthoringProblem

PACKAGED = Path(__file__).with_name("packaged")
"""`templates.json`, and all versions of each template as `git fast-export` writes them."""
_OWN = re.compile(r"gavip:([a-z][a-z0-9-]*)\.git")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_VERSION = re.compile(r"v?\d+(\.\d+)*")
_PATIENCE = {"http.lowSpeedLimit": "1000", "http.lowSpeedTime": "60"}
"""Bytes a second, and how many seconds less than that is borne."""
ACCEPTED = (
    "A template is one of `gavip avi templates`, the https address of a git repository, or the folder of one."
)


@dataclass(frozen=True, kw_only=True)
class Packaged:
    """A template that comes with the command."""

    name: str
    version: str
    summary: str


def packaged() -> dict[str, Packaged]:
    """Return the templates that come with the command, by name."""
    listed = json.loads((PACKAGED / "templates.json").read_text("utf-8"))
    return {entry["name"]: Packaged(**entry) for entry in listed}


def address_of(given: str) -> str:
    """Return the address under which an AVI remembers a template.

    Parameters
    ----------
    given
        What somebody called it: a name, an address, or a folder.

    Raises
    ------
    AuthoringProblem
        It is none of these.
    """
    if given in packaged():
        return f"gavip:{given}.git"
    if "://" in given:
        _require_safe(given)
        return given if given.endswith(".git") else f"git+{given}"
    folder = Path(given).expanduser().resolve()
    if not folder.is_dir():
        known = ", ".join(packaged())
        raise AuthoringProblem(f"There is no template {given!r}; there are: {known}.", next_step=ACCEPTED)
    return f"git+file://{quote(str(folder))}"


def name_of(address: str) -> str:
    """Return what people call the template at an address."""
    own = _OWN.fullmatch(address)
    return own.group(1) if own else address.removeprefix("git+")


def mirror(address: str, repository: Path) -> None:
    """Make a bare repository with every version of a template.

    Parameters
    ----------
    address
        As an AVI remembers it; whoever wrote that AVI may be a stranger.

    Raises
    ------
    AuthoringProblem
        There is no such template, it cannot be fetched, or it has no version.
    """
    if own := _OWN.fullmatch(address):
        _unpack(own.group(1), repository)
        return
    url = address.removeprefix("git+")
    _require_safe(url)
    allowed = {f"protocol.{urlsplit(url).scheme}.allow": "always", **_PATIENCE}
    try:
        git("clone", "-q", "--mirror", "--", url, str(repository), cwd=repository.parent, careful=allowed)
        tags = git("tag", cwd=repository, careful={}).splitlines()
    except subprocess.CalledProcessError as error:
        raise AuthoringProblem(
            f"The template at {url} cannot be fetched: {reason(error)}", next_step=ACCEPTED
        ) from None
    if not any(_VERSION.fullmatch(tag) for tag in tags):
        raise AuthoringProblem(
            f"The template at {url} has no version.",
            next_step="Each of its versions is a tag, such as v1.0.0: ask its author for one.",
        )


def tag_of(repository: Path, version: str) -> str:
    """Return the tag of a template's version: `1.0.0` may be tagged as that, or as `v1.0.0`.

    Raises
    ------
    AuthoringProblem
        There is none.
    """
    tags = git("tag", cwd=repository, careful={}).splitlines()
    for tag in (f"v{version}", version):
        if tag in tags:
            return tag
    raise AuthoringProblem(
        f"The template has no version {version}.", next_step="Take its newest, or ask its author."
    )


def order_of(version: str) -> tuple[int, ...]:
    """Return what versions are ordered by; what is none comes first."""
    return tuple(map(int, version.removeprefix("v").split("."))) if _VERSION.fullmatch(version) else ()


def _unpack(name: str, repository: Path) -> None:
    if name not in packaged():
        raise AuthoringProblem(
            f"The template {name!r} does not come with this gavip any more; there are: {', '.join(packaged())}.",
            next_step="What was made of it stays as it is, and works.",
        )
    repository.mkdir()
    git("init", "-q", "--bare", "-b", "main", cwd=repository, careful={})
    stream = (PACKAGED / f"{name}.versions").read_bytes()
    git("fast-import", "--quiet", cwd=repository, given=stream, careful={})


def _require_safe(url: str) -> None:
    """Accept an address that no one on the way can change, and that starts no program here."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    local = host in _LOOPBACK or host.endswith(".localhost")
    if parts.password is not None:
        raise AuthoringProblem(
            "A password in a template's address would be kept in the AVI, for all to see.",
            next_step="Leave it out: git asks for it, or for your token after `gavip login`.",
        )
    if parts.scheme not in {"https", "file", *(["http"] if local else [])}:
        raise AuthoringProblem(f"A template is not taken from {url}.", next_step=ACCEPTED)
