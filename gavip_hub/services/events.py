"""What happened to a person's jobs and servers, in one order."""

from avi_kernel.protocol.api import EventView
from gavip_hub.services.views import event_view
from gavip_hub.storage import events
from gavip_hub.storage.database import Database


class EventService:
    """Reads events; the database is the only truth, a wake-up only says that it is worth to look."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    def events_since(self, *, owner: str, after: int, limit: int = 500) -> list[EventView]:
        """Return the owner's events after that id, oldest first."""
        with self._database.reading() as session:
            return [event_view(row) for row in events.since(session, owner=owner, after=after, limit=limit)]

    def latest_of_subject(self, *, owner: str, subject: str) -> EventView | None:
        """Return what happened last to one of the owner's jobs or servers."""
        with self._database.reading() as session:
            row = events.latest_of_subject(session, owner=owner, subject=subject)
        return None if row is None else event_view(row)

    def newest(self, *, owner: str) -> int:
        """Return the id of the owner's newest event; 0 where there is none."""
        with self._database.reading() as session:
            return events.newest(session, owner=owner)
