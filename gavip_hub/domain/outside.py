"""Addresses of repositories of other places: what is taken for one, and what git's complaints about one mean."""

import ipaddress
import re
from collections.abc import Collection
from dataclasses import dataclass

from typing_extensions import override

from avi_kernel.protocol.wording import printable
from gavip_hub.exceptions import BadRequest

_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_URL = re.compile(
    rf"(?P<scheme>https?)://(?P<host>{_LABEL}(?:\.{_LABEL})*)(?::(?P<port>\d{{1,5}}))?"
    r"(?P<path>/[A-Za-z0-9._~/+%=,-]{1,300})"
)
_PORTS = {"https": 443, "http": 80}
_LARGEST_PORT = 65535
ACCEPTED = "an address such as https://git.example.org/stars/bright.git, without user, password or query"


@dataclass(frozen=True, kw_only=True)
class OutsideUrl:
    """Where a repository of another place is."""

    scheme: str
    host: str
    port: int
    path: str
    is_inner: bool
    """Whether the operator lets it be on this machine or in a private network, and without TLS."""

    @override
    def __str__(self) -> str:
        port = "" if self.port == _PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{self.host}{port}{self.path}"


def outside_url(text: str, *, inner: Collection[str]) -> OutsideUrl:
    """Read an address that somebody gave; it is put together anew of its parts, so that all who read it read it alike.

    Parameters
    ----------
    inner
        `host:port` of those that the operator lets be in a private network.

    Raises
    ------
    BadRequest
        It is none that is taken.
    """
    text = text.strip()
    if "@" in text.partition("://")[2].partition("/")[0]:
        raise BadRequest(f"Give {ACCEPTED}: a token is given apart from it.", field="url")
    scheme, divider, rest = text.partition("://")
    host, slash, path = rest.partition("/")
    found = _URL.fullmatch(f"{scheme.lower()}{divider}{host.lower()}{slash}{path}")
    if found is None:
        raise BadRequest(f"Give {ACCEPTED}.", field="url")
    port = int(found["port"] or _PORTS[found["scheme"]])
    is_inner = f"{found['host']}:{port}" in inner
    if found["scheme"] != "https" and not is_inner:
        raise BadRequest("It must begin with https://: what comes over http may be anybody's.", field="url")
    if not 0 < port <= _LARGEST_PORT or not _is_host(found["host"]) or "/../" in f"{found['path']}/":
        raise BadRequest(f"Give {ACCEPTED}.", field="url")
    return OutsideUrl(
        scheme=found["scheme"], host=found["host"], port=port, path=found["path"], is_inner=is_inner
    )


def _is_host(host: str) -> bool:
    """Tell whether a host is a name or an address as everybody writes one: not 127.1, 0x7f000001 or 2130706433."""
    last = host.rpartition(".")[2]
    if not last[0].isdigit():
        return True
    try:
        return str(ipaddress.IPv4Address(host)) == host
    except ValueError:
        return False


_CAUSES = (
    ("returned error: 30", "it leads on to another address, which is not followed: give the last one"),
    ("could not read Username", "it asks who you are: it is private, or there is no such repository"),
    ("Authentication failed", "it does not take the token: give one that may read and write that repository"),
    ("returned error: 401", "it does not take the token: give one that may read and write that repository"),
    ("returned error: 403", "it refuses this: give a token that may write that repository"),
    ("not found", "there is no such repository, or it is private: check the address"),
    ("returned error: 404", "there is no such repository, or it is private: check the address"),
    ("is this a git repository", "what answers there is no git server: check the address"),
    ("not appear to be a git", "what answers there is no git server: check the address"),
    ("returned error: 5", "it has trouble of its own: try again later"),
    ("certificate", "its certificate is not valid: ask who runs it"),
    ("too slow", "it sends nothing any more: try again later"),
    ("timed out", "it does not answer: try again later"),
    ("connect to", "it does not answer: check the address, or try again later"),
    ("Empty reply", "it ended without an answer: try again later"),
    ("signal 25", "the repository is larger than what is taken here: take large data out of its history"),
    (
        "File size limit",
        "the repository is larger than what is taken here: take large data out of its history",
    ),
    ("Out of memory", "it needs more memory than git has here: take large files out of its history"),
    ("fsck", "its history holds objects that git's own check refuses: mend it there"),
    ("not allowed", "it leads to a kind of address that is not followed"),
    ("remote rejected", "it takes no such push: see that its branches may be pushed to with this token"),
    ("non-fast-forward", "it has commits that are not here: import it, or mirror to an empty repository"),
    ("early EOF", "what it sent broke off: try again"),
    ("index-pack", "what it sent is broken, or broke off: try again"),
    ("pack", "what it sent is broken, or broke off: try again"),
)
"""A part of git's complaint -> its cause and the next step, the first that fits."""


def cause_of(complaint: str) -> str:
    """Return what a complaint of git means for who asked; the other side's own words are shown only where nothing fits."""
    told = complaint.lower()
    for part, words in _CAUSES:
        if part.lower() in told:
            return words
    last = next((line for line in reversed(complaint.splitlines()) if line.strip()), "")
    return (
        f"git says: {printable(last.strip(), 200)}" if last else "git ended without a word: try again later"
    )
