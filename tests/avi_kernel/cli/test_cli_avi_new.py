"""`gavip avi new` with no platform at hand."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.avis import notebook

COMMAND = str(Path(sys.executable).with_name("gavip"))


@pytest.fixture
def gavip(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    monkeypatch.setenv("GAVIP_URL", "http://gavip.localhost:9")
    (tmp_path / "stars.ipynb").write_text(notebook("radius = 5.0  # [deg]", "print(radius)"))

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [COMMAND, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
        )

    return run


def git(tmp_path, *arguments: str) -> str:
    return subprocess.run(
        ["git", *arguments], cwd=tmp_path / "bright", capture_output=True, text=True, check=True
    ).stdout.strip()


def test_a_notebook_becomes_a_repository_ready_to_be_pushed(gavip, tmp_path):
    made = gavip("avi", "new", "bright", "--from", "stars.ipynb")
    assert made.returncode == 0, made.stderr
    assert "Parameter radius: float, 5.0 deg by default, 0 to 50." in made.stdout
    assert (
        git(tmp_path, "remote", "get-url", "origin")
        == "http://gavip.localhost:9/services/gavip/git/bright.git"
    )
    assert git(tmp_path, "status", "--porcelain") == ""
    assert git(tmp_path, "branch", "--show-current") == "main"


@pytest.mark.parametrize("name", ["Bright", "x", "../up", "trailing-"])
def test_a_name_that_is_no_avis_is_refused(gavip, name):
    made = gavip("avi", "new", name, "--from", "stars.ipynb")
    assert made.returncode == 2
    assert "2 to 20 lower-case letters" in made.stderr


def test_a_folder_that_is_there_is_left_alone(gavip, tmp_path):
    (tmp_path / "bright").mkdir()
    assert gavip("avi", "new", "bright", "--from", "stars.ipynb").returncode == 2
    assert list((tmp_path / "bright").iterdir()) == []


def test_what_is_no_notebook_makes_no_folder(gavip, tmp_path):
    (tmp_path / "bad.ipynb").write_bytes(b"\xff\xfe")
    made = gavip("avi", "new", "bright", "--from", "bad.ipynb")
    assert made.returncode != 0
    assert "bad.ipynb" in made.stderr
    assert "Traceback" not in made.stderr
    assert not (tmp_path / "bright").exists()


def test_its_help_is_there_with_no_platform(gavip):
    assert "Make an AVI of a notebook" in gavip("avi", "new", "--help").stdout
    assert "new" in gavip("avi", "--help").stdout


def test_a_git_that_refuses_is_told_plainly_and_the_folder_stays(gavip, tmp_path):
    (tmp_path / "gitconfig").write_text("[commit]\n\tgpgsign = true\n[gpg]\n\tprogram = false\n")
    made = gavip("avi", "new", "bright", "--from", "stars.ipynb")
    assert made.returncode == 2
    assert "git made no commit of it" in made.stderr
    assert "Traceback" not in made.stderr
    assert (tmp_path / "bright/avi.toml").exists()


def test_what_would_be_no_valid_avi_leaves_no_folder(gavip, tmp_path):
    (tmp_path / "large.ipynb").write_text(notebook("radius = 5.0", "x = '" + "x" * 6_000_000 + "'"))
    made = gavip("avi", "new", "bright", "--from", "large.ipynb")
    assert made.returncode == 2
    assert "Traceback" not in made.stderr
    assert not [path for path in tmp_path.iterdir() if "bright" in path.name]
