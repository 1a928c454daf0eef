"""A backup holds all that a platform is, and makes the same platform of an empty folder and an empty database."""

import json
import os
import sqlite3
import tarfile
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from gavip_hub.config import Gavip, load_config
from gavip_hub.exceptions import Conflict, NotFound, Unavailable
from gavip_hub.supervise import accounts
from gavip_hub.supervise.backup import back_up, restore
from gavip_hub.supervise.identity import identify
from gavip_hub.supervise.installation import prepare
from gavip_hub.supervise.locks import held, only_one
from gavip_hub.supervise.preparation import upgrade_database
from tests.support.postgres import Postgres

MB, GB = 1024**2, 1024**3
MARK = "UPDATE counters SET value = 4711"


def a_platform(root: Path, **settings: str) -> Gavip:
    """Make what a platform that ran has left."""
    root.mkdir()
    (root / "config.py").write_text(
        "".join(f"c.Gavip.{name} = {value!r}\n" for name, value in settings.items())
    )
    config = load_config(root)
    prepare(config)
    upgrade_database(config)
    accounts.seed_passwords(root, ["ada"])
    with closing(sqlite3.connect(root / "hub" / "jupyterhub.sqlite")) as hub, hub:
        hub.execute("CREATE TABLE users (name)")
        hub.execute("INSERT INTO users VALUES ('ada')")
    run(config, MARK)
    file = root / "users" / "ada" / "jobs" / "1" / "table.vot"
    file.parent.mkdir(parents=True)
    file.write_text("stars")
    if os.geteuid() == 0:
        os.chown(root / "users" / "ada", 30_001, 30_001)
    (root / "users" / "ada").chmod(0o700)
    (root / "state" / "uids.json").write_text('{"ada": 30001}')
    (root / "state" / "runtime").write_text("/tmp/gavip-0-other\n")
    gone = {"pid": 2**22, "boot_id": "another", "start_time": "1", "fingerprint": ""}
    (root / "state" / "hub.json").write_text(json.dumps(gone))
    (root / "logs" / "hub.log").write_text("long")
    return config


def run(config: Gavip, statement: str) -> None:
    engine = create_engine(config.database_url)
    with engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()


def counted(config: Gavip) -> set[int]:
    engine = create_engine(config.database_url)
    with engine.begin() as connection:
        values = {row[0] for row in connection.execute(text("SELECT value FROM counters"))}
    engine.dispose()
    return values


def is_whole(new: Path, old: Path) -> None:
    assert (new / "users/ada/jobs/1/table.vot").read_text() == "stars"
    for folder in (".", "users", "users/ada", "secrets", "hub"):
        was, is_now = (old / folder).stat(), (new / folder).stat()
        assert (is_now.st_mode, is_now.st_uid) == (was.st_mode, was.st_uid), folder
    assert accounts.read_passwords(new) == accounts.read_passwords(old)
    for secret in (old / "secrets").iterdir():
        assert (new / "secrets" / secret.name).read_bytes() == secret.read_bytes()
    with closing(sqlite3.connect(new / "hub" / "jupyterhub.sqlite")) as hub:
        assert hub.execute("SELECT name FROM users").fetchall() == [("ada",)]
    assert load_config(new).ports == load_config(old).ports
    assert (new / "state/uids.json").read_text() == '{"ada": 30001}'


def test_what_was_backed_up_comes_back(tmp_path: Path) -> None:
    config = a_platform(tmp_path / "old")
    back_up(config, tmp_path / "it.tar")
    restored = restore(tmp_path / "it.tar", tmp_path / "new")
    is_whole(tmp_path / "new", tmp_path / "old")
    assert counted(restored) == {4711}
    assert not (tmp_path / "new" / "backup").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["it.tar", "new", "old"]


def test_a_hole_takes_no_room_and_comes_back(tmp_path: Path) -> None:
    config = a_platform(tmp_path / "old")
    with (tmp_path / "old/users/ada/hole").open("wb") as file:
        file.truncate(GB - 3)
        file.seek(GB - 3)
        file.write(b"end")
    back_up(config, tmp_path / "it.tar")
    assert (tmp_path / "it.tar").stat().st_size < 10 * MB
    restore(tmp_path / "it.tar", tmp_path / "new")
    restored = tmp_path / "new/users/ada/hole"
    assert restored.stat().st_size == GB
    assert restored.stat().st_blocks * 512 < 10 * MB
    with restored.open("rb") as file:
        file.seek(-4, os.SEEK_END)
        assert file.read() == b"\0end"


def test_what_belongs_to_the_old_machine_stays_behind(tmp_path: Path) -> None:
    back_up(a_platform(tmp_path / "old"), tmp_path / "it.tar")
    with tarfile.open(tmp_path / "it.tar") as archive:
        names = archive.getnames()
    for gone in ("logs/hub.log", "state/runtime", "state/hub.json", "gavip.sqlite", "hub/jupyterhub.sqlite"):
        assert f"./{gone}" not in names
    assert (tmp_path / "it.tar").stat().st_mode & 0o077 == 0


@pytest.mark.postgres
def test_a_database_of_postgresql_comes_back(tmp_path: Path, postgres: Postgres) -> None:
    config = a_platform(tmp_path / "old", database_url=postgres.empty_database())
    back_up(config, tmp_path / "it.tar")
    run(config, "DROP SCHEMA public CASCADE")
    run(config, "CREATE SCHEMA public")
    restored = restore(tmp_path / "it.tar", tmp_path / "new")
    is_whole(tmp_path / "new", tmp_path / "old")
    assert counted(restored) == {4711}


@pytest.mark.postgres
def test_a_database_with_tables_is_never_overwritten(tmp_path: Path, postgres: Postgres) -> None:
    config = a_platform(tmp_path / "old", database_url=postgres.empty_database())
    back_up(config, tmp_path / "it.tar")
    with pytest.raises(Conflict, match="has tables already"):
        restore(tmp_path / "it.tar", tmp_path / "new")
    assert counted(config) == {4711}


def test_a_data_root_is_never_overwritten(tmp_path: Path) -> None:
    back_up(a_platform(tmp_path / "old"), tmp_path / "it.tar")
    with pytest.raises(Conflict, match="is not empty"):
        restore(tmp_path / "it.tar", tmp_path / "old")


def test_an_archive_is_never_overwritten_and_never_holds_itself(tmp_path: Path) -> None:
    config = a_platform(tmp_path / "old")
    (tmp_path / "it.tar").write_text("another")
    with pytest.raises(Conflict, match="exists"):
        back_up(config, tmp_path / "it.tar")
    with pytest.raises(NotFound, match="make it first"):
        back_up(config, tmp_path / "gone" / "it.tar")
    with pytest.raises(Conflict, match="outside"):
        back_up(config, config.root / "it.tar")


def test_a_platform_that_runs_is_not_backed_up(tmp_path: Path) -> None:
    config = a_platform(tmp_path / "old")
    with only_one(config.root), pytest.raises(Conflict, match="end it first"):
        back_up(config, tmp_path / "it.tar")
    with held(config.root, "service"), pytest.raises(Conflict, match="service"):
        back_up(config, tmp_path / "it.tar")
    with held(config.root, "proxy"):
        back_up(config, tmp_path / "it.tar")


def test_a_hub_without_its_supervisor_runs_too(tmp_path: Path) -> None:
    config = a_platform(tmp_path / "old")
    own = {**asdict(identify(os.getpid())), "fingerprint": ""}
    (config.root / "state" / "service.json").write_text(json.dumps(own))
    with pytest.raises(Conflict, match="without its supervisor"):
        back_up(config, tmp_path / "it.tar")


def test_what_is_no_backup_is_refused(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "it.tar", "w") as archive:
        archive.add(__file__, "backup/about.json")
    with pytest.raises(Unavailable, match=r"it\.tar"):
        restore(tmp_path / "it.tar", tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_missing_program_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = a_platform(tmp_path / "old")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unavailable, match="apt-get install tar"):
        back_up(config, tmp_path / "it.tar")
