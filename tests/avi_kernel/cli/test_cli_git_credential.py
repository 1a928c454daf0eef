"""Git gets the token of a platform that one has signed in to, and of no other."""

import os
import subprocess

import pytest

from avi_kernel.cli import git_credential, settings
from avi_kernel.cli.settings import Platform

HERE = "http://gavip.localhost:8123"


@pytest.fixture(autouse=True)
def signed_in(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    monkeypatch.setenv("GIT_TERMINAL_PROMPT", "0")
    settings.remember(Platform(url=HERE, token="secret", user="dora"))
    git_credential.install(HERE)


def filled(host: str) -> str:
    asked = f"protocol=http\nhost={host}\n\n"
    done = subprocess.run(
        ["git", "credential", "fill"],
        input=asked,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ,
    )
    return done.stdout


def test_git_is_given_user_and_token():
    assert "username=dora\npassword=secret\n" in filled("gavip.localhost:8123")


def test_another_host_is_given_nothing():
    assert "secret" not in filled("gavip.localhost:8124")
    assert "secret" not in filled("evil.example")


def test_who_signed_out_is_asked_again():
    git_credential.remove(HERE)
    assert "secret" not in filled("gavip.localhost:8123")


def helpers() -> list[str]:
    asked = ["git", "config", "--global", "--get-all", f"credential.{HERE}.helper"]
    return subprocess.run(asked, capture_output=True, text=True, check=False).stdout.splitlines()


def test_signing_in_again_leaves_one_helper_and_no_other_is_asked():
    git_credential.install(HERE)
    assert len(helpers()) == 2
    assert helpers()[0] == ""


def test_what_its_user_set_stays():
    subprocess.run(["git", "config", "--global", "--add", f"credential.{HERE}.helper", "own"], check=True)
    git_credential.remove(HERE)
    assert helpers() == ["own"]
