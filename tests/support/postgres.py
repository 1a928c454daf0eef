"""A private PostgreSQL of the test run: made, used and thrown away by it."""

import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest
from sqlalchemy import NullPool, create_engine, text

from gavip_hub.storage import migrate
from gavip_hub.storage.base import Base
from gavip_hub.storage.schema import Counter
from tests.support.needs import missing

# Nothing in it is worth a write to the disk.
SETTINGS = [
    "fsync=off",
    "full_page_writes=off",
    "listen_addresses=",
    "max_connections=60",
]
HASTY = "synchronous_commit=off"
"""Loses the last commits of a server that is killed."""
OWNER = "gavip"
SHARED = "shared"


@dataclass
class Postgres:
    """A running server, reached through a socket in its own folder."""

    folder: Path
    binaries: Path
    user: str | None
    settings: tuple[str, ...]
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://{OWNER}@/{database}?host={self.folder}"

    def program(self, name: str, *arguments: str, check: bool = True) -> int:
        """Run one of PostgreSQL's programs on the server's data; return its exit status."""
        # No pipe: the server inherits what it is given, and a pipe would wait for its end.
        return subprocess.run(
            [self.binaries / name, "-D", self.folder / "data", *arguments],
            user=self.user,
            cwd=self.folder,
            check=check,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
        ).returncode

    @property
    def runs(self) -> bool:
        return self.program("pg_ctl", "status", check=False) == 0

    def start(self) -> None:
        """Start the server and wait until it answers."""
        options = " ".join(f"-c {setting}" for setting in self.settings) + f" -k {self.folder}"
        self.program("pg_ctl", "-w", "-l", str(self.folder / "log"), "-o", options, "start")

    def stop(self, *, check: bool = True) -> None:
        """End the server as a machine that loses its power does."""
        self.program("pg_ctl", "-w", "-m", "immediate", "stop", check=check)

    @contextmanager
    def standing_still(self) -> Iterator[None]:
        """Have none of its processes do anything."""
        try:
            self._signal(signal.SIGSTOP)
            yield
        finally:
            self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        main = psutil.Process(int((self.folder / "data" / "postmaster.pid").read_text().split()[0]))
        main.send_signal(number)  # first of all: one that stands still begins no others
        for process in main.children():
            with suppress(psutil.NoSuchProcess):  # they come and go
                process.send_signal(number)

    def empty_database(self) -> str:
        """Make a database with no tables and return its URL."""
        name = f"test{next(self._numbers)}"
        self._run("postgres", f"CREATE DATABASE {name}")
        return self.url(name)

    def prepare(self) -> None:
        """Make the one database that most tests share, each finding it as after its migrations."""
        self._run("postgres", f"CREATE DATABASE {SHARED}")
        migrate.upgrade(self.url(SHARED))

    def database(self) -> str:
        """Return the URL of a database with today's tables and nothing in them."""
        tables = ", ".join(f'"{table}"' for table in Base.metadata.tables if table != Counter.__tablename__)
        self._run(
            "postgres", f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{SHARED}'"
        )
        self._run(SHARED, f"TRUNCATE {tables}", "UPDATE counters SET value = 0")
        return self.url(SHARED)

    def _run(self, database: str, *statements: str) -> None:
        engine = create_engine(self.url(database), isolation_level="AUTOCOMMIT", poolclass=NullPool)
        with engine.connect() as connection:
            for statement in statements:
                connection.execute(text(statement))


def programs() -> Path:
    """Return the folder of PostgreSQL's server programs, the newest where there are several."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    on_path = shutil.which("initdb")
    if not found and not on_path:
        missing(
            "PostgreSQL", "`apt-get install postgresql` (the server programs; no system server is needed)"
        )
    return (found[-1] if found else Path(str(on_path))).parent


def unprivileged() -> str | None:
    """Return the user that runs the server: PostgreSQL refuses to be run by root."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"


@contextmanager
def running_postgres(*settings: str) -> Iterator[Postgres]:
    """Run a private server, with the shared database in it."""
    binaries, user = programs(), unprivileged()
    # A short path of its own: pytest's folders are closed to other users, and sockets want short names.
    folder = Path(tempfile.mkdtemp(prefix="gavip-pg-"))
    if user:
        shutil.chown(folder, user)
    folder.chmod(0o755)
    server = Postgres(folder=folder, binaries=binaries, user=user, settings=(*SETTINGS, *settings))
    try:
        server.program("initdb", "-U", OWNER, "-A", "trust", "-E", "UTF8", "--no-sync", "--no-locale")
        server.start()
        server.prepare()
        yield server
    finally:
        server.stop(check=False)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """Run a private server for as long as the tests run."""
    with running_postgres(HASTY) as server:
        yield server


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an SQLite file with today's tables, to be copied."""
    path = tmp_path_factory.mktemp("migrated") / "gavip.sqlite"
    migrate.upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of a database with today's tables, on both kinds in turn."""
    if request.param == "postgresql":
        server: Postgres = request.getfixturevalue("postgres")
        return server.database()
    copy = tmp_path / "gavip.sqlite"
    shutil.copyfile(request.getfixturevalue("migrated_sqlite"), copy)
    return f"sqlite:///{copy}"
