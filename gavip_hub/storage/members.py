"""Who may read and write AVIs' repositories, beside their owners."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from gavip_hub.storage.among import among
from gavip_hub.storage.schema import Avi, Member

READ = "read"
WRITE = "write"


def of(session: Session, avi: str) -> Sequence[Member]:
    """Return an AVI's members, by name."""
    return session.scalars(select(Member).where(Member.avi == avi).order_by(Member.user)).all()


def of_each(session: Session, avis: Collection[str]) -> dict[str, list[Member]]:
    """Return the members of each of these AVIs, by name."""
    found: dict[str, list[Member]] = {avi: [] for avi in avis}
    for member in session.scalars(
        select(Member).where(among(session, Member.avi, avis)).order_by(Member.user)
    ):
        found[member.avi].append(member)
    return found


def right(session: Session, *, avi: str, user: str) -> str | None:
    """Return what a member may; None: they are none."""
    member = session.get(Member, (avi, user))
    return member.may if member else None


def put(session: Session, *, avi: str, user: str, may: str, at: datetime) -> None:
    """Make somebody a member, or change what they may."""
    session.merge(Member(avi=avi, user=user, may=may, added_at=at))


def remove(session: Session, *, avi: str, user: str) -> bool:
    """Make somebody no member any more; tell whether they were one."""
    member = session.get(Member, (avi, user))
    if member is not None:
        session.delete(member)
    return member is not None


def projects(session: Session, user: str) -> Sequence[Avi]:
    """Return the AVIs that somebody owns or is a member of, by name."""
    theirs = select(Member.avi).where(Member.user == user)
    return session.scalars(
        select(Avi).where(or_(Avi.owner == user, Avi.name.in_(theirs))).order_by(Avi.name)
    ).all()


def may_write(session: Session, avi: Avi, user: str) -> bool:
    """Tell whether somebody is one of an AVI's authors."""
    return avi.owner == user or right(session, avi=avi.name, user=user) == WRITE
