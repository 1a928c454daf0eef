"""Completion: by click's own protocol of environment variables, and in a real bash."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from avi_kernel.cli import completion, settings
from avi_kernel.cli.settings import Platform
from tests.support.small_api import SmallApi, small_api
from tests.support.star_api import STAR_HANDLERS, Exploded

BIN = Path(sys.executable).parent
NOWHERE = "http://gavip.localhost:9"


@pytest.fixture
def stars(types) -> Iterator[SmallApi]:
    """The platform that somebody is signed in to, and whose commands are known."""
    with small_api(STAR_HANDLERS) as api:
        api.answers = {"GET /stars": [{"name": "vega"}, {"name": "vela"}, {"name": "sirius"}]}
        settings.remember(Platform(url=api.url, token="secret", user="ann"))
        assert types("star", "list").exit_code == 0
        api.asked.clear()
        yield api


@pytest.fixture
def completes(types):
    """What Tab offers after a line that somebody typed; `shell` is what asks."""

    def complete(line: str, shell: str = "bash") -> list[str]:
        words = line.split(" ")
        env = {"COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1), "_GAVIP_COMPLETE": f"{shell}_complete"}
        if shell == "fish":
            env["COMP_CWORD"] = words[-1]
        output = types(env=env).stdout.strip()
        if shell == "zsh":
            return output.splitlines()[1::3]
        return [row.partition(",")[2].partition("\t")[0] for row in output.splitlines()]

    return complete


def test_commands_of_all_kinds_are_completed(stars, completes):
    assert completes("gavip d") == ["data", "demo", "dev"]
    assert completes("gavip sta") == ["star"]
    assert completes("gavip star ") == ["get", "list", "make", "picture"]
    assert completes("gavip avi n") == ["new"]


def test_options_and_their_choices_are_completed(stars, completes):
    assert completes("gavip star list --") == ["--colour", "--limit", "--help"]
    assert completes("gavip star list --colour ") == ["red", "blue"]
    assert completes("gavip star list --colour=b") == ["blue"]
    assert completes("gavip star make x --no") == ["--no-variable"]
    assert completes("gavip dev --role op") == ["operator"]


@pytest.mark.parametrize("shell", completion.SHELLS)
def test_every_shell_is_served(stars, completes, shell):
    assert completes("gavip star list --colour ", shell) == ["red", "blue"]


def test_a_new_operation_is_completed_once_its_document_is_known(stars, completes, types):
    stars.handlers = (*STAR_HANDLERS, Exploded)
    types("star", "explode", "x", "y")
    assert completes("gavip star e") == ["explode"]


def test_names_are_asked_of_the_platform(stars, completes):
    assert completes("gavip star get ve") == ["vega", "vela"]
    assert stars.asked == ["GET /stars"]


def test_commands_and_choices_wait_for_no_network(stars, completes):
    completes("gavip star list --colour ")
    completes("gavip sta")
    assert stars.asked == []


def test_who_is_not_signed_in_asks_for_no_names(stars, completes, types):
    types("logout", stars.url)
    stars.asked.clear()
    assert completes(f"gavip --url {stars.url} star get ") == []
    assert stars.asked == []


def test_a_platform_that_is_away_or_slow_completes_nothing_and_says_nothing(stars, completes, monkeypatch):
    settings.cache_document(NOWHERE, settings.cached_document(stars.url), groups={"star": ""})
    settings.remember(Platform(url=NOWHERE, token="secret", user="ann"))
    began = time.monotonic()
    assert completes("gavip star get ") == []
    assert time.monotonic() - began < 10
    assert completes("gavip star g") == ["get"]


def test_without_a_known_document_the_own_commands_are_completed(types, completes):
    settings.remember(Platform(url=NOWHERE, token="secret", user="ann"))
    assert completes("gavip log") == ["login", "logout"]
    assert completes("gavip job ") == []


@pytest.mark.parametrize(
    "name", ["$(touch x)", "a b", "-rf", "a\nplain,evil", "a,b", "\x1b[2J", "`id`", "*", "../up", "ü" * 200]
)
def test_names_that_are_no_plain_names_are_left_out(stars, completes, name):
    stars.answers["GET /stars"] = [{"name": name}, {"name": "vega"}]
    assert completes("gavip star get ") == ["vega"]


@pytest.mark.parametrize("answer", [None, 5, "text", {"items": 3}, [1, None], [{"name": 7}], {}])
def test_an_odd_list_completes_what_it_can(stars, completes, answer):
    stars.answers["GET /stars"] = answer
    assert completes("gavip star get ") in ([], ["7"])


def test_completing_loads_neither_the_platforms_code_nor_http(stars):
    environ = {**os.environ, "COMP_WORDS": "gavip star list --colour ", "COMP_CWORD": "4"}
    ran = subprocess.run(
        [sys.executable, "-X", "importtime", str(BIN / "gavip")],
        env={**environ, "_GAVIP_COMPLETE": "bash_complete"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.stdout == "plain,red\nplain,blue\n"
    assert "gavip_hub" not in ran.stderr
    assert "httpx" not in ran.stderr


@pytest.mark.parametrize("shell", completion.SHELLS)
def test_the_script_of_a_shell_is_printed(types, shell):
    printed = types("completion", shell).stdout
    assert f"_GAVIP_COMPLETE={shell}_complete" in printed
    assert "gavip" in printed


def test_another_shell_is_refused_with_those_that_are_known(types):
    ran = types("completion", "csh")
    assert ran.exit_code == 2
    assert all(shell in ran.output for shell in completion.SHELLS)


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("gavip sta", "star"),
        ("gavip star list --colour ", "red blue"),
        ("gavip star get ve", "vega vela"),
    ],
)
def test_a_real_bash_completes(stars, line, offered):
    words = line.split(" ")
    script = f"""
        eval "$(gavip completion bash)"
        compopt() {{ :; }}
        COMP_WORDS=({" ".join(f"'{word}'" for word in words)})
        COMP_CWORD={len(words) - 1}
        _gavip_completion gavip
        echo "${{COMPREPLY[@]}}"
        complete -p gavip
    """
    environ = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    ran = subprocess.run(
        ["bash", "--norc", "-c", script], env=environ, capture_output=True, text=True, check=True
    )
    assert ran.stdout.splitlines() == [offered, "complete -o nosort -F _gavip_completion gavip"]
