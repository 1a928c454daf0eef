"""Checks of releases: which are wanted, the jobs that make them, and the scorecards that come of it."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from gavip_hub.storage.among import among
from gavip_hub.storage.builds import READY
from gavip_hub.storage.schema import Check, Release


def want(session: Session, release: str) -> None:
    """Note that a release is to be checked, anew where it was."""
    check = session.get(Check, release)
    if check is None:
        session.add(Check(release=release, badges=[]))
    else:
        check.job = check.scorecard = check.called = None


def open_ones(session: Session) -> Sequence[tuple[Check, Release]]:
    """Return the checks that have found nothing yet, oldest first, of releases that can be run."""
    wanted = select(Check, Release).join(Release, Release.id == Check.release)
    wanted = wanted.where(Check.scorecard.is_(None), Release.state == READY).order_by(Release.id)
    return [(row[0], row[1]) for row in session.execute(wanted)]


def of_release(session: Session, release: str) -> Check | None:
    """Return the check of a release."""
    return session.get(Check, release)


def keep_calls(session: Session, job: str, called: list[dict[str, Any]] | None) -> None:
    """Keep which hosts the check that this job makes called."""
    session.execute(update(Check).where(Check.job == job).values(called=called))


def badges(session: Session, wanted: Collection[str]) -> dict[str, list[dict[str, Any]]]:
    """Return release -> what its check found in a few words, for those that have been checked."""
    found = session.execute(select(Check.release, Check.badges).where(among(session, Check.release, wanted)))
    return {row.release: row.badges for row in found}
