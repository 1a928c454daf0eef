"""The catalogue as somebody sees it: theirs first, found by words, and what they keep of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Row
from sqlalchemy.orm import Session

from avi_kernel.protocol.checks import Badge
from gavip_hub.clock import Clock
from gavip_hub.domain.finding import Known, Question, common_keywords, in_order, matching
from gavip_hub.exceptions import NotFound
from gavip_hub.services.catalogue import open_release
from gavip_hub.services.kept_releases import KeptReleases
from gavip_hub.storage import catalogue
from gavip_hub.storage.catalogue_schema import Card
from gavip_hub.storage.database import Database
from gavip_hub.storage.releases import PUBLIC
from gavip_hub.storage.repositories import Repositories

PAGE = 24


@dataclass(frozen=True, kw_only=True)
class Shown:
    """An AVI in the catalogue."""

    name: str
    title: str
    summary: str
    authors: list[str]
    keywords: list[str]
    version: str
    released_at: datetime
    standing: str
    standing_reason: str
    private: bool
    """Whether this version is open to its AVI's people alone."""
    has_interface: bool
    pipelines: int
    has_picture: bool
    badges: list[Badge]
    favourite: bool
    used_at: datetime | None
    people: int
    """How many have used it."""


@dataclass(frozen=True, kw_only=True)
class Findings:
    """One page of what was found."""

    items: list[Shown]
    total: int
    page: int
    pages: int
    keywords: list[tuple[str, int]]
    """By which it can be narrowed, with how many AVIs have each."""


class FindingService:
    """Finds AVIs; each method is one transaction.

    Parameters
    ----------
    repositories
        Where the trees of releases are.
    """

    def __init__(self, *, database: Database, repositories: Repositories, clock: Clock) -> None:
        self._database = database
        self._repositories = repositories
        self._clock = clock
        self._entries = KeptReleases(catalogue.findable)
        self._people: tuple[int, Mapping[str, int]] = (0, {})

    def find(self, *, viewer: str, question: Question, page: int = 1) -> Findings:
        """Return one page of the AVIs of which the viewer may run a release; a page that is not there is the last one."""
        with self._database.reading() as session:
            entries = self._entries.of(session, catalogue.open_to(session, viewer=viewer))
            known = Known(
                favourites=catalogue.favourites(session, viewer),
                used=catalogue.used(session, viewer),
                people=self._people_of(session),
            )
            fits = matching(entries, question)
            found = in_order(entries, question, known, fits)
            pages = max(1, -(-len(found) // PAGE))
            page = min(max(1, page), pages)
            chosen = found[(page - 1) * PAGE : page * PAGE]
            items = _items(session, [entry.release for entry in chosen], known)
        words = common_keywords(found, question)
        return Findings(items=items, total=len(found), page=page, pages=pages, keywords=words)

    def _people_of(self, session: Session) -> Mapping[str, int]:
        """Return AVI -> how many have used it, counted anew when somebody used one that they had not used before."""
        uses = catalogue.count_uses(session)
        if uses != self._people[0]:
            self._people = uses, catalogue.people(session)
        return self._people[1]

    def favour(self, *, user: str, avi: str, wanted: bool) -> None:
        """Put an AVI that is open to somebody among those that they see first, or take it away from there.

        Raises
        ------
        NotFound
            It is not open to them.
        """
        with self._database.transaction() as session:
            if wanted:
                open_release(session, viewer=user, avi=avi)
                catalogue.favour(session, user=user, avi=avi, at=self._clock.now())
            else:
                catalogue.forget(session, user=user, avi=avi)

    def has_used(self, *, user: str, avi: str) -> bool:
        """Tell whether somebody ever opened an AVI or ran a job of it."""
        with self._database.reading() as session:
            return catalogue.has_used(session, user=user, avi=avi)

    def titles(self, names: list[str]) -> dict[str, str]:
        """Return AVI -> what it is called."""
        with self._database.reading() as session:
            return catalogue.titles(session, names)

    def picture(self, *, viewer: str, avi: str, version: str) -> tuple[Path, str]:
        """Return the tree of a release and where in it its picture is.

        Raises
        ------
        NotFound
            It is not open to the viewer, or has none.
        """
        with self._database.reading() as session:
            release, _ = open_release(session, viewer=viewer, avi=avi, version=version)
            card = session.get(Card, release.id)
            if card is None or not card.picture:
                raise NotFound(f"{avi} {version} has no picture.")
            return self._repositories.checkout(avi, release.commit), card.picture

    def tree(self, *, avi: str, commit: str) -> Path:
        """Return the files of a release that its reader may run."""
        return self._repositories.checkout(avi, commit)


def _items(session: Session, wanted: list[str], known: Known) -> list[Shown]:
    rows = catalogue.listed(session, wanted)
    return [_item(rows[release], known) for release in wanted]


def _item(row: Row[Any], known: Known) -> Shown:
    return Shown(
        name=row.avi,
        title=row.title,
        summary=row.summary,
        authors=row.authors,
        keywords=row.keywords,
        version=row.version,
        released_at=row.created_at,
        standing=row.standing,
        standing_reason=row.standing_reason,
        private=row.visibility != PUBLIC,
        has_interface=row.has_interface,
        pipelines=row.pipelines,
        has_picture=bool(row.picture),
        badges=[Badge.model_validate(badge) for badge in row.badges or ()],
        favourite=row.avi in known.favourites,
        used_at=known.used.get(row.avi),
        people=known.people.get(row.avi, 0),
    )
