"""`gavip avi check` prints a scorecard that says what to change."""

import json
from datetime import UTC, datetime

from click.testing import CliRunner

from avi_kernel.cli.avi_commands import COMMANDS
from avi_kernel.cli.check import show
from avi_kernel.protocol.scorecard import Mark, Scorecard, unjudged
from tests.support.avis import notebook, write_avi


def check(folder, *options):
    return CliRunner().invoke(COMMANDS["check"], [str(folder), *options])


def shown(capsys, *marks):
    card = Scorecard(marks=unjudged(marks, reason="It was not looked at."), checked_at=datetime.now(UTC))
    show(card, name="stars")
    return capsys.readouterr().out


def test_an_avi_without_tests_passes_with_something_to_look_at(tmp_path):
    ran = check(write_avi(tmp_path / "stars", {"app.ipynb": notebook("print('hello')")}))
    assert ran.exit_code == 0
    assert ran.output.startswith("stars: ")
    assert "✓ Interface renders" in ran.output
    assert "! Tests pass" in ran.output


def test_what_failed_ends_with_status_1_and_tells_the_line(tmp_path):
    ran = check(write_avi(tmp_path / "stars", {"avi.toml": "titel = 'x'"}))
    assert ran.exit_code == 1
    assert "✗ Installs" in ran.output
    assert "line 1: titel: unknown key" in " ".join(ran.output.split())


def test_programs_get_json(tmp_path):
    ran = check(write_avi(tmp_path / "stars", {"avi.toml": "titel = 'x'"}), "--json")
    assert json.loads(ran.stdout)["marks"][0]["key"] == "installs"


def test_lines_to_write_keep_their_form(capsys):
    change = "In avi.toml:\n[pipelines.counts]\n    memory = 400"
    out = shown(capsys, Mark(key="memory", state="failed", sentence="word " * 60, change=change))
    lines = [line.rstrip() for line in out.splitlines()]
    indent = lines[-3].index("[pipelines.counts]")
    assert lines[-2] == " " * indent + "    memory = 400"
    assert max(map(len, lines)) <= 110


def test_of_a_long_output_the_end_is_shown(capsys):
    detail = "\n".join(f"line {number}" for number in range(50))
    out = shown(capsys, Mark(key="interface", state="failed", sentence="It failed.", details=[detail]))
    assert "line 49" in out
    assert "line 10\n" not in out
    assert "… 36 lines before" in out


def test_a_mark_that_is_well_has_no_remedy(capsys):
    out = shown(capsys, Mark(key="hosts", state="passed", sentence="It called no host.", change="Nothing."))
    assert "Nothing." not in out
