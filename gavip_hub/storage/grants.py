"""Which folders their owners let which AVIs write."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from gavip_hub.storage.among import among
from gavip_hub.storage.schema import Grant


def of(session: Session, *, owner: str, avi: str) -> list[str]:
    """Return the folders that an AVI may write, by name."""
    wanted = select(Grant.folder).where(Grant.owner == owner, Grant.avi == avi)
    return list(session.scalars(wanted.order_by(Grant.folder)))


def of_owners(session: Session, owners: Collection[str]) -> dict[tuple[str, str], list[str]]:
    """Return all folders that these users granted, by user and AVI."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    wanted = select(Grant.owner, Grant.avi, Grant.folder).where(among(session, Grant.owner, owners))
    for owner, avi, folder in session.execute(wanted.order_by(Grant.folder)):
        found[owner, avi].append(folder)
    return found


def replace(session: Session, *, owner: str, avi: str, folders: Iterable[str], at: datetime) -> None:
    """Let an AVI write these folders and no others."""
    session.execute(delete(Grant).where(Grant.owner == owner, Grant.avi == avi))
    session.add_all(Grant(owner=owner, avi=avi, folder=folder, granted_at=at) for folder in folders)
    session.flush()
