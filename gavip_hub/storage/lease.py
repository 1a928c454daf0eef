"""What only one process at a time may do; given back by the system itself when that process dies."""

import fcntl
import os
from abc import ABC, abstractmethod

from sqlalchemy import Connection, Engine, NullPool, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from typing_extensions import override

from gavip_hub.storage.absence import patient, refused
from gavip_hub.storage.database import lock_key


class Lease(ABC):
    """The right to do something alone."""

    @abstractmethod
    def hold(self) -> bool:
        """Take the right, or make sure that it is still held; return whether it is.

        Raises
        ------
        gavip_hub.exceptions.DatabaseAway
            Nobody can say; it is not held.
        """

    @abstractmethod
    def release(self) -> None:
        """Give the right back; no harm when it is not held."""


def lease(url: str, name: str) -> Lease:
    """Return the right of that name over the database, not yet taken."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return FileLease(path=f"{parsed.database}.{name}.lock")
    return PostgresLease(url=url, name=name)


class FileLease(Lease):
    """A lock on a file beside an SQLite database: whoever uses that is on the same machine."""

    def __init__(self, *, path: str) -> None:
        self._path = path
        self._file: int | None = None

    @override
    def hold(self) -> bool:
        if self._file is not None:
            return True
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return False
        self._file = file
        return True

    @override
    def release(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


class PostgresLease(Lease):
    """A lock that lasts as long as a connection of its own."""

    def __init__(self, *, url: str, name: str) -> None:
        self._engine: Engine = create_engine(
            url, poolclass=NullPool, isolation_level="AUTOCOMMIT", connect_args=patient(url)
        )
        self._key = lock_key(f"gavip-lease:{name}")
        self._connection: Connection | None = None

    @override
    def hold(self) -> bool:
        with refused():
            if self._connection is None:
                return self._take()
            try:
                self._connection.execute(text("SELECT 1"))
            except SQLAlchemyError:
                self.release()  # the server has given it away; it is asked for again
                raise
        return True

    @override
    def release(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _take(self) -> bool:
        connection = self._engine.connect()
        taken = connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": self._key})
        if not taken:
            connection.close()
            return False
        self._connection = connection
        return True
