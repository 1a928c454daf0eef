"""A database that is away for a while: told as a refusal, said once in the log, and over by itself."""

import logging
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from gavip_hub.exceptions import DatabaseAway, DiskFull, Unavailable

_PRIMARY = 0xFF
"""Of SQLite's error codes the part that names the kind."""
_SQLITE_PASSES = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_READONLY,
}
_POSTGRES_PASSES = ("08", "25006", "40", "53", "55", "57", "58")
"""Beginnings of its codes: connection, read-only, rolled back, no resources, locked, ended by an operator, system."""
_POSTGRES_FULL = "53100"
_POSTGRES_BETWEEN = ("40", "55P03")
"""Beginnings of the codes of what transactions do to one another, while the database is well."""

log = logging.getLogger(__name__)


def patient(url: str) -> dict[str, Any]:
    """Return how PostgreSQL is asked, so that one that is gone or stands still is noticed; the URL's own words win."""
    wanted = {
        "connect_timeout": 5,
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 20_000,
    }
    return {name: value for name, value in wanted.items() if name not in make_url(url).query}


def refusal_of(error: SQLAlchemyError) -> Unavailable | None:
    """Return a failure that passes by itself as the platform's own; None for any other, which is a mistake of ours."""
    if isinstance(error, PoolTimeout):
        return DatabaseAway()
    if not isinstance(error, DBAPIError):
        return None
    cause = error.orig
    if isinstance(cause, sqlite3.Error):
        return _refusal_of_sqlite(cause)
    code = getattr(cause, "sqlstate", None)
    if code == _POSTGRES_FULL:
        return DiskFull()
    # A connection that cannot be made, or that broke, has no code.
    gone = code is None and (error.connection_invalidated or type(cause).__name__ == "OperationalError")
    return DatabaseAway() if gone or (code or "").startswith(_POSTGRES_PASSES) else None


def _refusal_of_sqlite(cause: sqlite3.Error) -> Unavailable | None:
    kind = getattr(cause, "sqlite_errorcode", 0) & _PRIMARY
    if kind == sqlite3.SQLITE_FULL:
        return DiskFull()
    return DatabaseAway() if kind in _SQLITE_PASSES else None


@contextmanager
def refused() -> Iterator[None]:
    """Raise what passes by itself as the platform's own refusal."""
    try:
        yield
    except SQLAlchemyError as error:
        refusal = refusal_of(error)
        if refusal is None:
            raise
        raise refusal from error


def _is_between(error: SQLAlchemyError) -> bool:
    """Tell whether other transactions were in the way: a deadlock, a lock held for too long, a conflict."""
    code = getattr(error.orig, "sqlstate", None) if isinstance(error, DBAPIError) else None
    return (code or "").startswith(_POSTGRES_BETWEEN)


class Notice:
    """What a user of the database adds to what is noticed."""

    asked = True
    """Whether the database was asked for anything: where it was not, all going well says nothing of it."""


class Absence:
    """Whether the database is away, said at its beginning and at its end, whoever notices."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._since: float | None = None
        self._only_reads = False

    @contextmanager
    def noticed(self, *, writing: bool) -> Iterator[Notice]:
        """Notice whether what is done goes well; a failure that passes by itself is raised as a refusal."""
        notice = Notice()
        try:
            with refused():
                yield notice
        except (DatabaseAway, DiskFull) as refusal:
            if isinstance(refusal.__cause__, SQLAlchemyError):
                self._failed(refusal.__cause__, writing=writing)
            raise
        if notice.asked:
            self._answered(writing=writing)

    def _failed(self, error: SQLAlchemyError, *, writing: bool) -> None:
        cause = str(error).partition("\n")[0]
        if _is_between(error):
            log.info("A transaction was in the way of others and was ended: %s", cause)
            return
        with self._lock:
            first, self._since = self._since is None, self._since or time.monotonic()
            self._only_reads = writing or self._only_reads
        if first:
            log.warning("The database is away, and is waited for: %s", cause)

    def _answered(self, *, writing: bool) -> None:
        if self._since is None:
            return
        with self._lock:
            # That it can be read says nothing of one that another program holds, or whose disk is full.
            over = self._since is not None and (writing or not self._only_reads)
            seconds = time.monotonic() - (self._since or 0.0)
            self._since, self._only_reads = (None, False) if over else (self._since, self._only_reads)
        if over:
            log.warning("The database answers again, after %.0f s", seconds)
