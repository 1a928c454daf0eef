"""One way to SQLite and PostgreSQL: transactions, pool locks, and a bell that rings after a commit."""

import hashlib
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from functools import partial
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from gavip_hub.exceptions import DatabaseAway
from gavip_hub.storage.absence import Absence, patient, refused


class Touched(NamedTuple):
    """Whose job or server has a new event, and of which kind."""

    owner: str
    subject: str
    kind: str


Listener = Callable[[frozenset[Touched]], object]
"""Called after a commit, in the thread that committed, with all that has new events."""

BUSY_SECONDS = 10.0
"""How long a transaction waits for others to end before it is refused."""
PROBE_SECONDS = 2.0
TOUCHED = "gavip_touched"
DEADLINE: ContextVar[float] = ContextVar("deadline", default=float("inf"))
"""On the monotonic clock: what is asked for after it was refused to who asked, and is not to be done any more."""

log = logging.getLogger(__name__)


class Database:
    """The service's database; every change goes through `transaction`.

    Parameters
    ----------
    url
        SQLAlchemy URL of SQLite or PostgreSQL.
    pool_size
        Connections kept; more threads than these wait for one another.
    """

    def __init__(self, *, url: str, pool_size: int = 8) -> None:
        self.url = url
        self.engine = make_engine(url, pool_size=pool_size)
        # On SQLite a transaction that only reads must not queue behind the one that writes.
        self._reading_engine = self.engine.execution_options(gavip_reading=True)
        self._probing_engine = make_engine(url, pool_size=1, patience=PROBE_SECONDS)
        self._turn: AbstractContextManager[None] = _Turn() if url.startswith("sqlite") else nullcontext()
        self._listeners: list[Listener] = []
        self._absence = Absence()

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Give a session whose changes are committed together, or not at all.

        Raises
        ------
        gavip_hub.exceptions.DatabaseAway, gavip_hub.exceptions.DiskFull
            It cannot be done now, and can once the database is back.
        """
        with self._absence.noticed(writing=True), self._turn:
            with Session(self.engine, expire_on_commit=False) as session, session.begin():
                yield session
                if time.monotonic() > DEADLINE.get():
                    raise DatabaseAway  # who asked was told so, and asks again: it is not to be done twice
            touched = frozenset(session.info.get(TOUCHED, ()))
        if touched:
            self._ring(touched)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Give a session that sees one consistent state and changes nothing.

        Raises
        ------
        gavip_hub.exceptions.DatabaseAway
            It does not answer.
        """
        with (
            self._absence.noticed(writing=False) as notice,
            Session(self._reading_engine, expire_on_commit=False) as session,
        ):
            yield session  # closing it rolls back and leaves what was read as it is
            notice.asked = session.in_transaction()

    def require_writable(self) -> None:
        """Find out whether changes can be made; waits in no line for a connection, and writes nothing.

        Raises
        ------
        gavip_hub.exceptions.DatabaseAway
            They cannot.
        """
        with refused(), self._probing_engine.begin() as connection:
            # A standby of PostgreSQL answers as well, and takes nothing.
            wanted = "SELECT 1" if self.url.startswith("sqlite") else "SHOW transaction_read_only"
            if connection.scalar(text(wanted)) == "on":
                raise DatabaseAway

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Have a listener called after commits that wrote events; return what ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()
        self._probing_engine.dispose()

    def _ring(self, touched: frozenset[Touched]) -> None:
        for listener in tuple(self._listeners):
            try:
                listener(touched)
            except Exception:  # the commit stands whatever a listener does
                log.exception("A listener of the database failed")


class _Turn:
    """Lets the threads of this process write one after the other.

    SQLite has one writer at a time, and whoever has to wait asks again after ever longer sleeps, also when the other
    ended long ago. Threads that wait for one another here are woken at once; only other processes are waited for so.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held = threading.local()

    def __enter__(self) -> None:
        # Whoever waits for too long goes on, and is refused by SQLite itself.
        self._held.now = self._lock.acquire(timeout=BUSY_SECONDS)

    def __exit__(self, *_error: object) -> None:
        if self._held.now:
            self._lock.release()


def make_engine(url: str, *, pool_size: int = 8, patience: float | None = None) -> Engine:
    """Make an engine that behaves alike on both databases.

    Parameters
    ----------
    patience
        Seconds that a transaction waits for others; default: `BUSY_SECONDS`.
    """
    patience = BUSY_SECONDS if patience is None else patience
    common = {"pool_size": pool_size, "pool_timeout": patience}
    if make_url(url).get_backend_name() != "sqlite":
        engine = create_engine(url, connect_args=patient(url), pool_pre_ping=True, **common)
        event.listen(engine, "connect", partial(_prepare_postgres, patience))
        return engine
    engine = create_engine(url, connect_args={"timeout": patience}, **common)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_postgres(patience: float, connection: Any, _record: Any) -> None:
    # Not as an option of the connection: a pooler between us and the server may refuse those.
    with connection.cursor() as cursor:
        cursor.execute(f"SET lock_timeout = {round(patience * 1000)}")
    connection.commit()


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver must not begin transactions by itself
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    # A deferred transaction that reads and then writes fails at once where another wrote in between.
    reading = connection.get_execution_options().get("gavip_reading", False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def lock_pools(session: Session, *pools: str) -> None:
    """Hold pools, one after the other, until this transaction ends, so that counting and adding are one act.

    SQLite has one writer at a time; PostgreSQL over-commits at READ COMMITTED without these locks.
    """
    if session.get_bind().dialect.name == "postgresql":
        keys = [lock_key(f"gavip-pool:{pool}") for pool in pools]
        session.execute(_LOCKS, {"keys": keys})


_LOCKS = text(
    "SELECT pg_advisory_xact_lock(key) FROM"
    " (SELECT key FROM unnest(CAST(:keys AS bigint[])) WITH ORDINALITY AS pools (key, place) ORDER BY place) AS held"
)


def lock_key(name: str) -> int:
    """Return the number by which PostgreSQL knows a lock of that name."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)
