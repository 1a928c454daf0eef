"""Imports and mirrors, as they are kept; a mirror's token lies in a file of its own, and in no database."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from gavip_hub.storage.outside_schema import Import, Mirror

WAITING, RUNNING, DONE, FAILED = "waiting", "running", "done", "failed"


def import_of(session: Session, avi: str) -> Import | None:
    """Return the last import into a project."""
    return session.get(Import, avi)


def imports_in(session: Session, *states: str, person: str | None = None) -> Sequence[Import]:
    """Return the imports in these states, oldest first; of one person, or of all."""
    wanted = select(Import).where(Import.state.in_(states)).order_by(Import.begun_at, Import.avi)
    if person is not None:
        wanted = wanted.where(Import.person == person)
    return session.scalars(wanted).all()


def mirror_of(session: Session, avi: str) -> Mirror | None:
    """Return where a project is pushed on to."""
    return session.get(Mirror, avi)


def mirrors_due(session: Session, at: datetime) -> list[tuple[str, str]]:
    """Return the projects that are to be pushed on now, and for whom; those first that wait longest."""
    wanted = select(Mirror.avi, Mirror.person).where(Mirror.next_at <= at)
    return [(row.avi, row.person) for row in session.execute(wanted.order_by(Mirror.next_at, Mirror.avi))]


class Tokens:
    """Tokens of other places, each in a file that this program's user alone reads."""

    def __init__(self, *, folder: Path) -> None:
        self._folder = folder

    def get(self, avi: str) -> str:
        """Return a project's token; empty where there is none."""
        with suppress(FileNotFoundError):
            return self._file(avi).read_text()
        return ""

    def put(self, avi: str, token: str) -> None:
        """Keep a project's token."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        partial = self._folder / f".{avi}.new"
        partial.unlink(missing_ok=True)
        partial.touch(mode=0o600)
        partial.write_text(token)
        partial.replace(self._file(avi))

    def remove(self, avi: str) -> None:
        """Forget a project's token."""
        self._file(avi).unlink(missing_ok=True)

    def _file(self, avi: str) -> Path:
        return self._folder / avi
