"""Who may do what with a product: one table, which every door is asked by.

A door is a way to products: the API, the portal's pages, a person's files in the portal, WebDAV, a container, a link. What
a door does not have is said in `DOORS`; where all of a door differs from the table, in `expected`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class Who(StrEnum):
    """Who comes."""

    OWNER = "its owner"
    NAMED = "a user whom it is shared with"
    MEMBER = "a member of the group that it is shared with"
    ANYBODY = "somebody, where it is shared with everyone"
    STRANGER = "somebody else who has signed in"
    REVOKED = "a user whose share was revoked"
    LEFT = "a user who left the group"
    ENDED = "a user whose share has ended"
    SHUT = "somebody, where it was shared with everyone"
    VISITOR = "who tries AVIs, without products"
    NOBODY = "who has not signed in"
    LINK = "who has a link"
    REVOKED_LINK = "who has a link that was revoked"
    ENDED_LINK = "who has a link that has ended"


class Act(StrEnum):
    """What they try."""

    LIST = "find it in a list"
    READ = "read what is said of it"
    FILES = "list its files"
    FILE = "read a file of it"
    ARCHIVE = "download all of it"
    USE = "name a file of it as a job's input"
    WRITE = "write into it"
    SHARE = "share it"
    READERS = "see who reads it"
    DESCRIBE = "change what is said of it"
    REVOKE = "revoke somebody's share"
    REMOVE = "remove it"


class Answer(StrEnum):
    """What they get."""

    YES = "yes"
    FORBIDDEN = "forbidden: it is there, and not theirs to do"
    UNKNOWN = "not found, as a product that never was"
    SIGN_IN = "sign in first"


_READING = (Act.LIST, Act.READ, Act.FILES, Act.FILE, Act.ARCHIVE, Act.USE)
_OWNERS = (Act.SHARE, Act.READERS, Act.DESCRIBE, Act.REVOKE, Act.REMOVE)


def _row(reading: Answer, owning: Answer) -> dict[Act, Answer]:
    """Return a row; nobody writes into a product, and who may read one may know that."""
    writing = Answer.FORBIDDEN if reading == Answer.YES else reading
    return {
        **dict.fromkeys(_READING, reading),
        Act.WRITE: writing,
        **dict.fromkeys(_OWNERS, owning),
    }


_OWNER = _row(Answer.YES, Answer.YES)
_READER = _row(Answer.YES, Answer.FORBIDDEN)
_OUTSIDE = _row(Answer.UNKNOWN, Answer.UNKNOWN)
TABLE: dict[Who, dict[Act, Answer]] = {
    # The owner comes last: what only an owner may do changes things.
    Who.NAMED: _READER,
    Who.MEMBER: _READER,
    Who.ANYBODY: _READER,
    Who.STRANGER: _OUTSIDE,
    Who.REVOKED: _OUTSIDE,
    Who.LEFT: _OUTSIDE,
    Who.ENDED: _OUTSIDE,
    Who.SHUT: _OUTSIDE,
    Who.VISITOR: _row(Answer.FORBIDDEN, Answer.FORBIDDEN),  # of whatever product, so that it tells nothing
    Who.NOBODY: _row(Answer.SIGN_IN, Answer.SIGN_IN),
    Who.LINK: _READER,
    Who.REVOKED_LINK: _OUTSIDE,
    Who.ENDED_LINK: _OUTSIDE,
    Who.OWNER: _OWNER,
}
PEOPLE = {
    Who.OWNER: "ann",
    Who.NAMED: "ned",
    Who.MEMBER: "mia",
    Who.ANYBODY: "stan",
    Who.STRANGER: "stan",
    Who.REVOKED: "rita",
    Who.LEFT: "lars",
    Who.ENDED: "eva",
    Who.SHUT: "stan",
    Who.VISITOR: "vic",
}
GROUP = "survey"
MEMBERS = ("ann", "mia", "lars")
PRODUCTS = ("shared", "open", "shut")
"""With readers of each kind, with everyone, and with everyone until that was revoked."""
PRODUCT_OF = {Who.ANYBODY: "open", Who.SHUT: "shut"}
"""Whoever is not here asks for `shared`."""
FILE, CONTENT = "m45.csv", "ra,dec\n56.75,24.12\n"


class Door(StrEnum):
    """A way to products."""

    API = "API"
    PORTAL = "portal"
    FILES = "files in the portal"
    WEBDAV = "WebDAV"
    CONTAINER = "container"
    LINK = "link"


@dataclass(frozen=True, kw_only=True)
class Has:
    """Who comes through a door, and what can be tried there."""

    who: frozenset[Who]
    acts: tuple[Act, ...]


_LINKS = frozenset({Who.LINK, Who.REVOKED_LINK, Who.ENDED_LINK})
_SIGNED_IN = frozenset(TABLE) - _LINKS - {Who.NOBODY}
# A visitor has no space, no WebDAV and no jobs; a container has somebody's whom it runs for.
_WITH_FILES = _SIGNED_IN - {Who.VISITOR}
_AS_FILES = (Act.LIST, Act.FILE, Act.WRITE, Act.REMOVE)
DOORS: dict[Door, Has] = {
    Door.API: Has(who=_SIGNED_IN | {Who.NOBODY}, acts=(*_READING, *_OWNERS)),
    Door.PORTAL: Has(who=_SIGNED_IN | {Who.NOBODY}, acts=(*_READING, *_OWNERS)),
    Door.FILES: Has(who=_SIGNED_IN | {Who.NOBODY}, acts=_AS_FILES),
    Door.WEBDAV: Has(who=_SIGNED_IN | {Who.NOBODY}, acts=_AS_FILES),
    Door.CONTAINER: Has(who=_WITH_FILES, acts=(Act.LIST, Act.FILE, Act.USE, Act.WRITE, Act.REMOVE)),
    Door.LINK: Has(who=_LINKS, acts=(Act.READ, Act.FILES, Act.FILE, Act.ARCHIVE)),
}
_SHOWN_AS_FILES = (Door.FILES, Door.WEBDAV, Door.CONTAINER)


def expected(door: Door, who: Who, act: Act) -> Answer:
    """Return the right answer of a cell.

    As files products are read-only to their owner too, who removes them in the portal; and the portal's files refuse to write
    anything below `shared` before they look what is there, which tells nobody anything.
    """
    right = TABLE[who][act]
    if act not in (Act.WRITE, Act.REMOVE) or door not in _SHOWN_AS_FILES:
        return right
    if right == Answer.YES or (door == Door.FILES and right == Answer.UNKNOWN):
        return Answer.FORBIDDEN
    return right


def cells(door: Door) -> Iterator[tuple[Who, Act]]:
    """Yield what is asked at a door, in the order in which it can be."""
    for who in TABLE:
        if who in DOORS[door].who:
            for act in DOORS[door].acts:
                yield who, act
