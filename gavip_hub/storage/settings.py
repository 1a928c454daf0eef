"""What was changed while the platform runs; everything else is in the configuration."""

from datetime import datetime

from sqlalchemy.orm import Session

from gavip_hub.storage.schema import Setting


def get(session: Session, name: str) -> str | None:
    """Return what was chosen, or None where nobody chose."""
    found = session.get(Setting, name)
    return found.value if found else None


def put(session: Session, name: str, value: str, *, by: str, at: datetime) -> None:
    """Keep a choice, with whose and when it was."""
    session.merge(Setting(name=name, value=value, changed_by=by, changed_at=at))
    session.flush()
