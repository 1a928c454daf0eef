"""Databases that go away while they are used: a PostgreSQL that is ended, an SQLite file that another program holds."""

import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import pytest

from gavip_hub.storage import database
from tests.support.postgres import Postgres, running_postgres

SHORT = 2.0
"""Seconds after which a transaction gives up, ten in the platform; one that is well must not, however busy the machine."""


class Outage(Protocol):
    """A database with today's tables, and the way to take it away."""

    url: str

    def begin(self) -> None:
        """Take it away."""

    def end(self) -> None:
        """Give it back."""


@dataclass
class EndedServer:
    """PostgreSQL, killed with everything it was doing, and started again."""

    server: Postgres
    url: str

    def begin(self) -> None:
        self.server.stop()

    def end(self) -> None:
        self.server.start()


@dataclass
class HeldFile:
    """SQLite, held by another program that writes for as long as it likes."""

    path: Path
    _other: sqlite3.Connection | None = field(default=None)

    @property
    def url(self) -> str:
        return f"sqlite:///{self.path}"

    def begin(self) -> None:
        self._other = sqlite3.connect(self.path, isolation_level=None, timeout=10)
        self._other.execute("BEGIN IMMEDIATE")

    def end(self) -> None:
        if self._other is not None:
            self._other.close()


@pytest.fixture(scope="session")
def mortal_postgres() -> Iterator[Postgres]:
    """A server that tests may end, apart from the one that the others use."""
    with running_postgres() as server:
        yield server


@pytest.fixture(params=["held file", pytest.param("ended server", marks=pytest.mark.postgres)])
def outage(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Outage]:
    """A database that can be taken away, of both kinds in turn."""
    monkeypatch.setattr(database, "BUSY_SECONDS", SHORT)
    if request.param == "held file":
        copy = tmp_path / "gavip.sqlite"
        shutil.copyfile(request.getfixturevalue("migrated_sqlite"), copy)
        held = HeldFile(path=copy)
        yield held
        held.end()
    else:
        server: Postgres = request.getfixturevalue("mortal_postgres")
        yield EndedServer(server=server, url=server.database())
        if not server.runs:  # a test that failed did not come to start it again, and others need it
            server.start()


def said(text: str, word: str = "The database is away") -> int:
    """Count the lines of a log with this word."""
    return sum(word in line for line in text.splitlines())
