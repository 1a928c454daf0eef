"""What is asked of a database."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import Session

from gavip_hub.storage.database import Database


@contextmanager
def statements(database: Database, then: Callable[[str], object] = str) -> Iterator[list[str]]:
    """Give the list of all statements that are made meanwhile.

    Parameters
    ----------
    then
        Is called after each of them, in its transaction's time.
    """
    made: list[str] = []

    def note(_connection, _cursor, statement, *_rest):
        made.append(statement)
        then(statement)

    event.listen(database.engine, "after_cursor_execute", note)
    try:
        yield made
    finally:
        event.remove(database.engine, "after_cursor_execute", note)


def statements_of(session: Session, ask: Callable[[Session], object]) -> list[tuple[str, Any]]:
    """Return the statements by which something is asked, with what is bound to each."""
    asked: list[tuple[str, Any]] = []

    def note(_connection, _cursor, statement, parameters, _context, _many):
        asked.append((statement, parameters))

    connection = session.connection()
    event.listen(connection, "before_cursor_execute", note)
    try:
        ask(session)
    finally:
        event.remove(connection, "before_cursor_execute", note)
    return asked
