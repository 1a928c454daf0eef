"""Products by name: where readers find them, who may read them, and how they are cited."""

import re
import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import NamedTuple

MOST_FILES = 10_000
"""Of one product; more is better kept as one archive."""
LONGEST_PATH = 1000
"""Bytes of a file's path within its product."""
_LONGEST_SLUG = 40
_SHORT = 7
_LEAF = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*-[0-9a-hjkmnp-tv-z]{7}")
Place = tuple[str, ...]
"""Parts of a folder below the data root's `shared`."""


class ProductState(StrEnum):
    """How far a product is."""

    MAKING = "MAKING"
    READY = "READY"
    FAILED = "FAILED"
    REMOVED = "REMOVED"


class Kind(StrEnum):
    """To whom a product is shown."""

    USER = "user"
    GROUP = "group"
    EVERYONE = "everyone"
    LINK = "link"


class Reader(NamedTuple):
    """Who asks, and when: shares end."""

    name: str
    groups: Collection[str]
    now: datetime


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A share as it decides who reads."""

    kind: str
    subject: str
    expires_at: datetime | None = None
    revoked_at: datetime | None = None

    def is_live(self, now: datetime) -> bool:
        """Tell whether it holds at this moment."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


def slug_of(title: str) -> str:
    """Return a title as a part of a folder's name: lower-case letters, digits and hyphens."""
    apart = "".join("-" if unicodedata.category(sign) in {"Pd", "Zs"} else sign for sign in title)
    plain = unicodedata.normalize("NFKD", apart).encode("ascii", "ignore").decode().lower()
    return "-".join(re.findall(r"[a-z0-9]+", plain))[:_LONGEST_SLUG].strip("-") or "product"


def leaf_of(slug: str, product: str) -> str:
    """Return the name of the folder in which readers find a product."""
    return f"{slug}-{product[-_SHORT:]}"


def is_leaf(name: str) -> bool:
    """Tell whether a folder's name is one that the platform gives to products."""
    return _LEAF.fullmatch(name) is not None


def reads(shares: Iterable[Shown], *, reader: str, groups: Collection[str], now: datetime) -> bool:
    """Tell whether one of these shares lets somebody read who is not the owner; a link has an address of its own."""
    named = {Kind.USER: {reader}, Kind.GROUP: set(groups), Kind.EVERYONE: {""}}
    return any(share.is_live(now) and share.subject in named.get(Kind(share.kind), ()) for share in shares)


def places_of(share: Shown, *, owner: str, leaf: str, members: Collection[str]) -> set[Place]:
    """Return the folders in which a live share shows a product.

    Parameters
    ----------
    members
        Of the group, where it is shared with one.
    """
    own: Place = (
        "me",
        owner,
        owner,
        leaf,
    )  # so that its owner's jobs name what never changes, as readers' do
    if share.kind == Kind.EVERYONE:
        return {("everyone", owner, leaf)}
    if share.kind == Kind.USER:
        return {("me", share.subject, owner, leaf), own}
    if share.kind == Kind.GROUP:
        return {("groups", one, share.subject, owner, leaf) for one in members if one != owner} | {own}
    return set()


def seen_path(
    shares: Iterable[Shown], *, owner: str, leaf: str, reader: str, groups: Collection[str], now: datetime
) -> str:
    """Return the path by which a reader's containers find a product, from the top of the space; empty: by none."""
    live = {(share.kind, share.subject) for share in shares if share.is_live(now)}
    if ("everyone", "") in live:
        return f"shared/everyone/{owner}/{leaf}"
    named = {kind for kind, _ in live} & {Kind.USER, Kind.GROUP}
    if (Kind.USER, reader) in live or (reader == owner and named):
        return f"shared/me/{owner}/{leaf}"
    group = next((one for one in sorted(groups) if (Kind.GROUP, one) in live), None)
    return f"shared/groups/{group}/{owner}/{leaf}" if group else ""


def secret_hash(secret: str) -> str:
    """Return what is kept of a link's secret, which has 256 bits of its own and needs no salt."""
    return sha256(secret.encode()).hexdigest()
