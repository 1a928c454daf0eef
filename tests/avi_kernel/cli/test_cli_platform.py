"""The command against a real platform: each operation of its document is a command."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.jobs import AVIS

pytestmark = pytest.mark.hub
COMMAND = str(Path(sys.executable).with_name("gavip"))


class Person:
    """Somebody at a terminal."""

    def __init__(self, platform, home: Path) -> None:
        self._platform = platform
        self._environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith("GAVIP_")},
            "XDG_CONFIG_HOME": str(home / "config"),
            "XDG_CACHE_HOME": str(home / "cache"),
            "GIT_CONFIG_GLOBAL": str(home / "gitconfig"),
            "COLUMNS": "200",
        }

    def types(self, *arguments: str, answer: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [COMMAND, *arguments],
            env=self._environ,
            input=answer,
            capture_output=True,
            text=True,
            check=False,
            timeout=150,
        )

    def reads(self, *arguments: str):
        ran = self.types("--json", *arguments)
        assert ran.returncode == 0, ran.stderr
        return json.loads(ran.stdout)

    def signs_in(self, user: str, password: str) -> subprocess.CompletedProcess[str]:
        return self.types(
            "login", self._platform.url, "--user", user, "--password-stdin", answer=f"{password}\n"
        )


@pytest.fixture(scope="module")
def published(platform):
    for name in ("works", "raises", "sleeps"):
        platform.publish(AVIS / name, f"cli-{name}")
    return platform


@pytest.fixture
def scientist(published, tmp_path) -> Person:
    person = Person(published, tmp_path)
    assert person.signs_in("scientist", published.password("scientist")).returncode == 0
    return person


def test_a_wrong_password_is_refused(published, tmp_path):
    ran = Person(published, tmp_path).signs_in("scientist", "guessed")
    assert ran.returncode == 3
    assert "does not know this user and password" in ran.stderr


def test_without_sign_in_the_command_says_what_to_do(published, tmp_path):
    ran = Person(published, tmp_path).types("--url", published.url, "job", "list")
    assert ran.returncode == 3
    assert "gavip login" in ran.stderr


def test_a_release_lists_what_its_pipelines_take(scientist):
    shown = scientist.types("release", "get", "cli-works", "1.0").stdout
    assert "a          integer" in shown
    assert "apples" in shown
    assert "{" not in shown


def test_help_names_the_platforms_commands(scientist):
    shown = scientist.types("--help").stdout
    assert all(name in shown for name in ("avi ", "job ", "server ", "pool "))
    assert "attempt" not in shown
    assert "--parameter NAME=VALUE" in scientist.types("job", "submit", "--help").stdout


def test_who_am_i(scientist):
    assert scientist.reads("me")["name"] == "scientist"


def test_a_job_from_submission_to_its_result(scientist):
    ran = scientist.types("job", "submit", "cli-works", "main", "-p", "a=5", "-p", "label=total", "--wait")
    assert ran.returncode == 0, ran.stderr
    job = ran.stdout.split()[1]
    assert "total = 8.0" in scientist.types("job", "log", job, "-f").stdout
    assert scientist.types("job", "result", job, "sum.txt", "-o", "-").stdout == "total = 8.0\n"
    assert job in scientist.types("job", "list").stdout
    assert {entry["name"] for entry in scientist.reads("job", "results", job)} == {"main.ipynb", "sum.txt"}


def test_a_failed_job_ends_with_one_and_its_cause(scientist):
    ran = scientist.types("job", "submit", "cli-raises", "main", "--wait")
    assert ran.returncode == 1
    assert "no star within" in ran.stderr


def test_a_job_is_cancelled_once(scientist):
    job = scientist.reads("job", "submit", "cli-sleeps", "main")["id"]
    assert scientist.types("job", "cancel", job).returncode == 0
    scientist.types("job", "log", job, "-f")
    again = scientist.types("job", "cancel", job)
    assert again.returncode == 5


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("job", "submit", "cli-works", "main", "-p", "a=500"), 2, "at most 100"),
        (("job", "submit", "cli-works", "main", "-p", "a=x"), 2, "whole number"),
        (("job", "submit", "cli-works", "main", "-p", "z=1"), 2, "unknown parameter"),
        (("job", "submit", "cli-works", "main", "--memory-mb", "1"), 2, "memory-mb"),
        (("job", "submit", "nothing-here", "main"), 4, "Error"),
        (("job", "get", "j0"), 4, "Error"),
        (("nonsense",), 2, "No such command"),
    ],
)
def test_refusals_have_a_status_and_a_sentence(scientist, arguments, status, words):
    ran = scientist.types(*arguments)
    assert ran.returncode == status, ran.stderr
    assert words in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_parameter_name_that_is_code_is_refused(scientist):
    ran = scientist.types("job", "submit", "cli-works", "main", "-p", "x;import os=1")
    assert ran.returncode == 2
    assert "unknown parameter" in ran.stderr


def test_another_persons_job_is_not_there(scientist, published, tmp_path):
    job = scientist.reads("job", "submit", "cli-works", "main")["id"]
    developer = Person(published, tmp_path / "developer")
    developer.signs_in("developer", published.password("developer"))
    for arguments in (
        ("get", job),
        ("log", job),
        ("results", job),
        ("cancel", job),
        ("result", job, "sum.txt"),
    ):
        assert developer.types("job", *arguments).returncode == 4
