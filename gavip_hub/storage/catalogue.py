"""What the catalogue lists, and what people keep and use of it."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, String, bindparam, case, cast, func, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session, defer

from avi_kernel.protocol.manifest import ReleaseSpec
from gavip_hub.domain.finding import Findable
from gavip_hub.domain.standing import RANK, WITHDRAWN
from gavip_hub.storage.among import among
from gavip_hub.storage.base import utc_of
from gavip_hub.storage.builds import READY
from gavip_hub.storage.catalogue_schema import Card, Favourite, Use
from gavip_hub.storage.releases import PUBLIC
from gavip_hub.storage.schema import Avi, Check, Member, Release

AT_ONCE = 5000
"""Releases that one question names."""
FEW = 100
"""The same, where all that they declare is read."""
_BETWEEN, _IS = "\n", "="
"""Neither is in an AVI's name or a release's id."""
_FAVOURITES: Any = Favourite.__table__
_USES: Any = Use.__table__
_RELEASES: Any = Release.__table__
_CARDS: Any = Card.__table__
_CHECKS: Any = Check.__table__


def card_of(release: Release, spec: ReleaseSpec) -> Card:
    """Return a release in short."""
    manifest = spec.manifest
    return Card(
        release=release.id,
        title=manifest.title or release.avi,
        summary=manifest.summary,
        authors=[author.name for author in manifest.authors],
        keywords=list(manifest.keywords),
        has_interface=spec.interface is not None,
        pipelines=sum(not pipeline.hidden for pipeline in spec.pipelines),
        picture=manifest.picture,
    )


def open_to(session: Session, *, viewer: str) -> list[str]:
    """Return of each AVI the release that somebody takes by default, in one question and without what it declares."""
    return _split(session.scalar(_OPEN, {"viewer": viewer}))


def findable(session: Session, wanted: Sequence[str]) -> Iterator[tuple[str, Findable]]:
    """Yield releases by what they can be found with; there may be thousands."""
    columns = (Card.title, Card.summary, Card.authors, Card.keywords)
    question = select(Card.release, Release.avi, *columns).join(Release, Release.id == Card.release)
    for part in parts(wanted, AT_ONCE):
        for row in session.execute(question.where(among(session, Card.release, part))):
            yield row.release, Findable.of(**row._mapping)  # noqa: SLF001 - SQLAlchemy's own name for a row by names


def declared(session: Session, wanted: Sequence[str]) -> Iterator[tuple[Release, Avi]]:
    """Yield releases with their AVIs and all that they declare, some at a time: that is up to a megabyte each."""
    question = select(Release, Avi).join(Avi, Avi.name == Release.avi)
    for part in parts(wanted, FEW):
        for row in session.execute(question.where(among(session, Release.id, part))):
            yield row[0], row[1]


def parts(names: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    """Yield names, so many at a time."""
    for start in range(0, len(names), size):
        yield names[start : start + size]


def _best() -> Select[Any]:
    """Ask for the ready releases that are open to a `viewer`: of each AVI the best standing, and of that the newest."""
    own = select(Avi.name).where(Avi.owner == bindparam("viewer"))
    shared = select(Member.avi).where(Member.user == bindparam("viewer"))
    open_to = or_(Release.visibility == PUBLIC, Release.avi.in_(own), Release.avi.in_(shared))
    # One digit before the id: the largest of both is found in passing, while a window would sort all of them.
    grades = {standing: str(len(RANK) - rank) for standing, rank in RANK.items()}
    graded = case(grades, value=Release.standing, else_="0").concat(Release.id)
    question = select(func.substr(func.max(graded), 2).label("id")).group_by(Release.avi)
    return question.where(Release.state == READY, Release.standing != WITHDRAWN, open_to)


def _at_once(column: Any) -> Select[Any]:
    """Ask for a column of a thousand short names as one row.

    For each row the driver lets go of Python's lock and waits for it again, behind whatever else computes.
    """
    return select(func.aggregate_strings(column, _BETWEEN))


def _split(text: str | None) -> list[str]:
    return text.split(_BETWEEN) if text else []


def listed(session: Session, wanted: Collection[str]) -> dict[str, Row[Any]]:
    """Return release -> what a page of the catalogue shows of it; there are no more than one page has."""
    release, card = _RELEASES.c, _CARDS.c
    columns = (release.id, release.avi, release.version, release.created_at, release.visibility)
    standing = (release.standing, release.standing_reason)
    said = (card.title, card.summary, card.authors, card.keywords, card.has_interface, card.pipelines)
    question: Select[Any] = (
        select(*columns, *standing, *said, card.picture, _CHECKS.c.badges)
        .join(_CARDS, card.release == release.id)
        .outerjoin(_CHECKS, _CHECKS.c.release == release.id)
        .where(among(session, release.id, wanted))
    )
    return {row.id: row for row in session.execute(question)}


def shown(session: Session, wanted: Sequence[str]) -> dict[str, tuple[Release, Avi, Card]]:
    """Return release -> itself with its AVI and its card; what it declares is left where it is."""
    question = (
        select(Release, Avi, Card)
        .join(Avi, Avi.name == Release.avi)
        .join(Card, Card.release == Release.id)
        .options(defer(Release.spec))
    )
    return {
        row[0].id: (row[0], row[1], row[2])
        for part in parts(wanted, AT_ONCE)
        for row in session.execute(question.where(among(session, Release.id, part)))
    }


def favourites(session: Session, user: str) -> set[str]:
    """Return the AVIs that somebody wants to see first."""
    return set(session.scalars(select(Favourite.avi).where(Favourite.user == user)))


def is_favourite(session: Session, *, user: str, avi: str) -> bool:
    """Tell whether somebody wants to see an AVI first."""
    return session.get(Favourite, (user, avi)) is not None


def favour(session: Session, *, user: str, avi: str, at: datetime) -> None:
    """Note that somebody wants to see an AVI first."""
    row = {"user": user, "avi": avi, "since": at}
    session.connection().execute(_insert(session, _FAVOURITES).values(row).on_conflict_do_nothing())


def forget(session: Session, *, user: str, avi: str) -> None:
    """Note that somebody does so no more."""
    session.execute(_FAVOURITES.delete().where(Favourite.user == user, Favourite.avi == avi))


def note_use(session: Session, *, user: str, avi: str, at: datetime) -> None:
    """Count that somebody opened an AVI or ran a job of it."""
    row = {"user": user, "avi": avi, "count": 1, "last_used_at": at}
    again = {"count": Use.count + 1, "last_used_at": at}
    insert = _insert(session, _USES).values(row)
    session.connection().execute(insert.on_conflict_do_update(index_elements=["user", "avi"], set_=again))


def used(session: Session, user: str) -> dict[str, datetime]:
    """Return AVI -> when somebody used it last."""
    found = _split(session.scalar(_USED, {"viewer": user}))
    return {avi: utc_of(moment) for avi, moment in (one.split(_IS) for one in found)}


def has_used(session: Session, *, user: str, avi: str) -> bool:
    """Tell whether somebody ever used an AVI."""
    return session.get(Use, (user, avi)) is not None


def titles(session: Session, names: Collection[str]) -> dict[str, str]:
    """Return AVI -> what it is called."""
    rows = session.execute(select(Avi.name, Avi.title).where(Avi.name.in_(names)))
    return {row.name: row.title for row in rows}


def title(session: Session, release: str) -> str | None:
    """Return what a release is called."""
    return session.scalar(select(_CARDS.c.title).where(_CARDS.c.release == release))


def people(session: Session) -> dict[str, int]:
    """Return AVI -> how many people have used it."""
    found = _split(session.scalar(_PEOPLE))
    return {avi: int(many) for avi, many in (one.split(_IS) for one in found)}


def count_uses(session: Session) -> int:
    """Return of how many AVIs by how many people it is noted that they used them; nothing is taken away from it."""
    return session.scalar(_COUNT_USES) or 0


def _insert(session: Session, table: Any) -> Any:
    postgres = session.get_bind().dialect.name == "postgresql"
    return postgresql.insert(table) if postgres else sqlite.insert(table)


def _used_by_viewer() -> Select[Any]:
    """Ask for the AVIs that a `viewer` has used, each with when."""
    told = _USES.c.avi.concat(_IS).concat(cast(_USES.c.last_used_at, String)).label("told")
    return _at_once(select(told).where(_USES.c.user == bindparam("viewer")).subquery().c.told)


def _people_by_avi() -> Select[Any]:
    """Ask for all AVIs that were used, each with by how many."""
    counted = select(Use.avi, cast(func.count(), String).label("many")).group_by(Use.avi).subquery()
    return _at_once(counted.c.avi.concat(_IS).concat(counted.c.many))


# Made once: to put one together takes as long as some pages' statements do.
_OPEN = _at_once(_best().subquery().c.id)
_USED = _used_by_viewer()
_PEOPLE = _people_by_avi()
_COUNT_USES = select(func.count()).select_from(_USES)
