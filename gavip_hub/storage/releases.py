"""AVIs and their releases."""

from collections.abc import Collection, Sequence

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, defer

from gavip_hub.storage.among import among
from gavip_hub.storage.schema import Avi, Member, Release

PUBLIC = "public"
PRIVATE = "private"


def avi(session: Session, name: str) -> Avi | None:
    """Return an AVI's record, whoever asks."""
    return session.get(Avi, name)


def one(session: Session, *, avi: str, version: str) -> Release | None:
    """Return a release, whoever asks."""
    return session.scalar(select(Release).where(Release.avi == avi, Release.version == version))


def of_digest(session: Session, *, avi: str, digest: str) -> Release | None:
    """Return the newest release of an AVI that has this content."""
    wanted = select(Release).where(Release.avi == avi, Release.digest == digest)
    return session.scalar(wanted.order_by(Release.id.desc()).limit(1))


def versions(session: Session, avi: str) -> list[str]:
    """Return all versions of an AVI, oldest first."""
    return list(session.scalars(select(Release.version).where(Release.avi == avi).order_by(Release.id)))


def versions_of_each(session: Session, avis: Collection[str]) -> dict[str, list[str]]:
    """Return all versions of each of these AVIs, oldest first."""
    found: dict[str, list[str]] = {avi: [] for avi in avis}
    wanted = select(Release.avi, Release.version).where(among(session, Release.avi, avis))
    for row in session.execute(wanted.order_by(Release.id)):
        found[row.avi].append(row.version)
    return found


def commits(session: Session, avi: str) -> dict[str, str]:
    """Return version -> commit of all releases of an AVI."""
    found = session.execute(select(Release.version, Release.commit).where(Release.avi == avi))
    return {row.version: row.commit for row in found}


def visibility_of(session: Session, avi: str) -> str:
    """Return `public` where a release of an AVI is."""
    public = select(Release.id).where(Release.avi == avi, Release.visibility == PUBLIC)
    return PUBLIC if session.scalar(public.limit(1)) else PRIVATE


def visible(
    session: Session,
    *,
    viewer: str | None,
    avi: str | None = None,
    version: str | None = None,
    specs: bool = True,
) -> Sequence[tuple[Release, Avi]]:
    """Return the releases that somebody may run with their AVIs, newest first.

    Parameters
    ----------
    viewer
        A user's name: what is public, their own, and what they are a member of; None: everything.
    specs
        Whether all that they declare is read at once: up to a megabyte each. Else of each when it is asked for.
    """
    wanted = select(Release, Avi).join(Avi, Avi.name == Release.avi)
    if not specs:
        wanted = wanted.options(defer(Release.spec))
    if viewer is not None:
        shared = select(Member.avi).where(Member.user == viewer)
        own = or_(Avi.owner == viewer, Avi.name.in_(shared))
        wanted = wanted.where(or_(Release.visibility == PUBLIC, own))
    if avi is not None:
        wanted = wanted.where(Release.avi == avi)
    if version is not None:
        wanted = wanted.where(Release.version == version)
    return [(row[0], row[1]) for row in session.execute(wanted.order_by(Release.id.desc()))]
