"""The first start makes ports, secrets and passwords; every later one finds them."""

import dbm
import json
import socket
from dataclasses import asdict
from pathlib import Path

import bcrypt

from gavip_hub.config import PORTS_FILE, load_config
from gavip_hub.supervise import accounts
from gavip_hub.supervise.installation import free_ports, prepare


def test_a_second_start_finds_the_same_ports_and_secrets(tmp_path: Path) -> None:
    first = prepare(load_config(tmp_path))
    assert prepare(load_config(tmp_path)) == first


def test_the_port_of_the_last_start_is_kept(tmp_path: Path) -> None:
    prepare(load_config(tmp_path, port=8123))
    assert load_config(tmp_path).port == 8123
    assert load_config(tmp_path).public_url == "http://gavip.localhost:8123"


def test_a_data_root_of_a_version_without_webdav_gets_a_port_for_it(tmp_path: Path) -> None:
    first, _ = prepare(load_config(tmp_path))
    kept = {name: port for name, port in asdict(first).items() if name != "webdav"}
    (tmp_path / PORTS_FILE).write_text(json.dumps(kept))
    assert load_config(tmp_path).webdav_url == ""
    second, _ = prepare(load_config(tmp_path))
    assert second.webdav > 0
    assert {name: port for name, port in asdict(second).items() if name != "webdav"} == kept


def test_ports_are_free_and_differ() -> None:
    ports = free_ports(5)
    assert len(set(ports)) == 5
    for port in ports:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", port))


def test_nobody_else_reads_the_secrets(tmp_path: Path) -> None:
    prepare(load_config(tmp_path))
    accounts.seed_passwords(tmp_path, ["ann"])
    assert (tmp_path / "secrets").stat().st_mode & 0o077 == 0
    for file in [*(tmp_path / "secrets").iterdir(), *(tmp_path / "hub").iterdir()]:
        assert file.stat().st_mode & 0o077 == 0, file


def test_each_user_gets_a_password_once(tmp_path: Path) -> None:
    prepare(load_config(tmp_path))
    assert accounts.seed_passwords(tmp_path, ["ann", "bob"]) == ["ann", "bob"]
    before = accounts.read_passwords(tmp_path)
    assert accounts.seed_passwords(tmp_path, ["ann", "bob", "eve"]) == ["eve"]
    after = accounts.read_passwords(tmp_path)
    assert {name: after[name] for name in before} == before
    assert len(set(after.values())) == 3


def test_passwords_are_kept_as_hashes(tmp_path: Path) -> None:
    prepare(load_config(tmp_path))
    accounts.seed_passwords(tmp_path, ["ann"])
    password = accounts.read_passwords(tmp_path)["ann"].encode()
    with dbm.open(str(tmp_path / accounts.DATABASE), "r") as hashes:
        assert password not in hashes[b"ann"]
        assert bcrypt.checkpw(password, hashes[b"ann"])


def test_a_new_password_replaces_the_old_one(tmp_path: Path) -> None:
    prepare(load_config(tmp_path))
    accounts.seed_passwords(tmp_path, ["ann"])
    old = accounts.read_passwords(tmp_path)["ann"]
    new = accounts.set_password(tmp_path, "ann")
    assert new != old
    with dbm.open(str(tmp_path / accounts.DATABASE), "r") as hashes:
        assert bcrypt.checkpw(new.encode(), hashes[b"ann"])
        assert not bcrypt.checkpw(old.encode(), hashes[b"ann"])
