"""`scripts/engine` with stand-ins for every program that it calls: what it says when the engine does not come up."""

import os
import subprocess
from pathlib import Path

import pytest

ENGINE = Path(__file__).parents[2] / "scripts/engine"


@pytest.fixture
def programs(tmp_path):
    """A machine on which an engine is installed, and does not start."""

    def write(name: str, body: str) -> None:
        (tmp_path / name).write_text(f"#!/bin/sh\n{body}\n")
        (tmp_path / name).chmod(0o755)

    for name in ("docker", "iptables", "sleep", "systemctl"):
        write(name, "exit 1" if name == "docker" else "exit 0")
    write("dockerd", "echo the disk is full")
    return write


def engine(folder: Path) -> str:
    env = {
        "PATH": f"{folder}:{os.defpath}:/usr/sbin:/sbin",
        "GAVIP_ENGINE_LOG": str(folder / "log"),
    }
    ended = subprocess.run([str(ENGINE)], env=env, capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == 1
    return ended.stderr


def test_an_engine_that_does_not_start_is_told_to_root_as_such(programs, tmp_path):
    programs("id", "echo 0")
    told = engine(tmp_path)
    assert "did not answer within 60 s" in told
    assert "not for you" not in told


def test_one_that_answers_root_alone_is_told_to_others_as_such(programs, tmp_path):
    programs("id", 'if [ "$1" = -u ]; then echo 1000; else echo ann; fi')
    programs("sudo", 'if [ "$1" = -n ]; then shift; fi; AS_ROOT=1 exec "$@"')
    programs("docker", '[ -n "${AS_ROOT:-}" ]')
    assert "runs, but not for you: sudo adduser ann docker" in engine(tmp_path)


def test_one_that_does_not_start_is_told_to_others_as_such(programs, tmp_path):
    programs("id", "echo 1000")
    programs("sudo", 'if [ "$1" = -n ]; then shift; fi; exec "$@"')
    assert "did not answer within 60 s" in engine(tmp_path)
