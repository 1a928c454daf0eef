"""Back up a data root and its databases into one archive, and make a data root of such an archive."""

import json
import os
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, inspect
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import SQLAlchemyError

import gavip_hub
from gavip_hub.config import Gavip, load_config
from gavip_hub.exceptions import Conflict, NotFound, Unavailable
from gavip_hub.supervise.installation import PRIVATE_FOLDERS
from gavip_hub.supervise.locks import held
from gavip_hub.supervise.sibling import still_runs

DUMPS = "backup"
"""Folder in the archive, and for a moment in a new data root, of what cannot be copied as it lies."""
ABOUT, POSTGRESQL, SQLITE, HUB = "about.json", "service.dump", "gavip.sqlite", "jupyterhub.sqlite"
LEFT_OUT = (
    # Made anew by each start, or of processes and containers that a new platform does not have.
    *("boxes", "cache", "containers", "logs", "run", "lost+found"),
    "environments",  # made anew of the files that are kept
    "aside",  # what is deleted, and copies that are not whole
    "images",  # made anew of the engine's
    *("state/*.lock", "state/*.pid", "state/runtime", "state/platform-id"),
    *(f"state/{part}.json" for part in ("doorkeeper", "steward", "proxy", "hub", "service", "webdav")),
    # Dumped instead: what lies there may be half a change.
    *(f"{SQLITE}*", f"hub/{HUB}*"),
)
WRITERS = ("hub", "service")
"""Who changes databases and files; containers that run may go on, and what they write is taken as it is then."""
_CHANGED_MEANWHILE = 1
"""tar's exit status where a running job wrote into a file while it was read."""


def back_up(config: Gavip, file: Path) -> None:
    """Write databases, files, settings and secrets of a platform whose Hub and service do not run into one tar archive.

    Raises
    ------
    gavip_hub.exceptions.Conflict
        Hub or service runs, or the archive would lie in the data root itself.
    gavip_hub.exceptions.Unavailable
        A program failed; with its last words.
    """
    file = file.absolute()
    if file.is_relative_to(config.root):
        raise Conflict(f"{file} lies in the data root; name a place outside {config.root}.")
    if file.exists():
        raise Conflict(f"{file} exists; name a new file.")
    with held(config.root, *WRITERS), _stage(file.parent) as stage:
        if running := [part for part in WRITERS if still_runs(config.root, part)]:
            raise Conflict(
                f"The {running[0]} of {config.root} runs without its supervisor: start `gavip up` and end it with Ctrl-C."
            )
        dumps = Path(stage, DUMPS)
        dumps.mkdir()
        _dump(config, dumps)
        _archive(config.root, Path(stage), file)


def _archive(root: Path, stage: Path, file: Path) -> None:
    """Write the archive, whole or not at all."""
    partial = file.with_name(f"{file.name}.partial")
    partial.touch(mode=0o600)
    excluded = [f"--exclude=./{pattern}" for pattern in LEFT_OUT]
    # Sparse: a hole costs a person nothing, however large, and is not to fill the disk of the backup.
    _run(
        [
            *("tar", "--create", "--sparse", f"--file={partial}", "--numeric-owner", "--anchored", *excluded),
            *(f"--directory={stage}", f"./{DUMPS}", f"--directory={root}", "."),
        ],
        also=_CHANGED_MEANWHILE,
    )
    partial.rename(file)


def _stage(folder: Path) -> "tempfile.TemporaryDirectory[str]":
    """Make a folder for the dumps beside the archive: there is room for them, as there may not be in /tmp."""
    if not folder.is_dir():
        raise NotFound(f"There is no folder {folder}; make it first.")
    return tempfile.TemporaryDirectory(prefix=".gavip-backup-", dir=folder)


def restore(file: Path, root: Path) -> Gavip:
    """Make a data root of an archive, and fill the database that its settings name.

    Raises
    ------
    gavip_hub.exceptions.Conflict
        The data root is not empty, or the database is not, or it is of another kind.
    gavip_hub.exceptions.Unavailable
        A program failed; with its last words.
    """
    if root.exists() and any(root.iterdir()):
        raise Conflict(f"{root} is not empty; name a new folder with --root, or move away what lies there.")
    _require_ours(file)
    root.mkdir(parents=True, exist_ok=True, mode=0o711)
    kept = ["--numeric-owner", "--preserve-permissions", *(["--same-owner"] if os.geteuid() == 0 else [])]
    _run(["tar", "--extract", f"--file={file}", *kept, f"--directory={root}"])
    for name in PRIVATE_FOLDERS:
        (root / name).mkdir(mode=0o700, exist_ok=True)
    config = load_config(root)
    dumps = root / DUMPS
    _fill(config, dumps)
    (dumps / HUB).rename(root / "hub" / HUB)
    shutil.rmtree(dumps)
    return config


def _dump(config: Gavip, dumps: Path) -> None:
    url = make_url(config.database_url)
    if _is_sqlite(url):
        _copy_sqlite(Path(url.database or ""), dumps / SQLITE)
    else:
        options = ["--format=custom", "--no-owner", f"--file={dumps / POSTGRESQL}"]
        _run(["pg_dump", *options, f"--dbname={_libpq(url)}"], password=url.password)
    _copy_sqlite(config.root / "hub" / HUB, dumps / HUB)
    about = {"gavip": gavip_hub.__version__, "made_at": datetime.now(UTC).isoformat(timespec="seconds")}
    (dumps / ABOUT).write_text(json.dumps(about))


def _fill(config: Gavip, dumps: Path) -> None:
    url = make_url(config.database_url)
    wanted = SQLITE if _is_sqlite(url) else POSTGRESQL
    if not (dumps / wanted).is_file():
        other = "SQLite" if wanted == POSTGRESQL else "PostgreSQL"
        raise Conflict(
            f"The archive holds a database of {other}, and the settings name {url.get_backend_name()}: set `database_url` "
            f"accordingly, remove what is in {config.root} now, and restore again."
        )
    if wanted == SQLITE:
        shutil.move(dumps / SQLITE, url.database or "")
        return
    if tables := _tables(url):
        raise Conflict(
            f"The database has tables already ({', '.join(tables[:3])}…): make an empty one, remove what is in "
            f"{config.root} now, and restore again."
        )
    options = ["--no-owner", "--exit-on-error", "--single-transaction"]
    _run(["pg_restore", *options, f"--dbname={_libpq(url)}", str(dumps / POSTGRESQL)], password=url.password)


def _require_ours(file: Path) -> None:
    try:
        told = _run(["tar", "--extract", f"--file={file}", "--to-stdout", f"./{DUMPS}/{ABOUT}"])
        about: Mapping[str, Any] = json.loads(told)
        version = str(about["gavip"])
    except (Unavailable, ValueError, KeyError) as error:
        raise Unavailable(f"{file} is no archive of `gavip admin backup`: {error}") from None
    if _numbers(version) > _numbers(gavip_hub.__version__):
        raise Unavailable(f"{file} was made by GAVIP {version}; restore it with that version or a newer one.")


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".") if part.isdigit()]


def _copy_sqlite(source: Path, target: Path) -> None:
    if not source.is_file():
        raise Unavailable(f"{source} is missing; was the platform ever started?")
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)


def _tables(url: URL) -> list[str]:
    engine = create_engine(url)
    try:
        return inspect(engine).get_table_names()
    except SQLAlchemyError as error:
        raise Unavailable(f"The database does not answer: {error}") from None
    finally:
        engine.dispose()


def _is_sqlite(url: URL) -> bool:
    return url.get_backend_name() == "sqlite"


def _libpq(url: URL) -> str:
    """Return the address without its password, which everybody on the machine could read in a list of processes."""
    bare = URL.create("postgresql", url.username, None, url.host, url.port, url.database, url.query)
    return bare.render_as_string(hide_password=False)


def _run(command: list[str], *, password: str | None = None, also: int = 0) -> str:
    """Run a program, and return what it said; `also` is a status that is a success too."""
    environment = {**os.environ, **({"PGPASSWORD": password} if password else {}), "LC_ALL": "C.UTF-8"}
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise Unavailable(
            f"The program {command[0]} is missing: apt-get install {'tar' if command[0] == 'tar' else 'postgresql-client'}"
        ) from None
    if done.returncode not in (0, also):
        raise Unavailable(f"{command[0]} failed: {done.stderr.strip()[-2000:]}")
    return done.stdout
