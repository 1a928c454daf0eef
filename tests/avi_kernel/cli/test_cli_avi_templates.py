"""`gavip avi new --template`, `templates` and `update`, as an author types them, with no platform at hand."""

import json
import os
import pty
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from click.testing import CliRunner

from avi_kernel.authoring import from_template, templates
from avi_kernel.cli import main
from tests.support.avis import notebook
from tests.support.templates import QUESTIONS, git, template_of


@pytest.fixture
def gavip(tmp_path, monkeypatch):
    """The command, in a folder of its own."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    monkeypatch.setenv("GAVIP_URL", "http://gavip.localhost:9")
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(main.gavip, arguments)


def test_they_are_listed_with_a_line_each(gavip):
    listed = gavip("avi", "templates").stdout.splitlines()
    assert [line.split()[0] for line in listed[1:]] == ["python", "dashboard", "fortran", "java"]


def test_programs_have_them_in_json(gavip):
    listed = json.loads(gavip("--json", "avi", "templates").stdout)
    assert {one["name"]: one["version"] for one in listed} == {
        name: one.version for name, one in templates.packaged().items()
    }


def test_with_nothing_to_make_it_of_the_choice_is_told(gavip, tmp_path):
    made = gavip("avi", "new", "bright")
    assert made.exit_code == 2
    assert "--from NOTEBOOK, or --template NAME" in made.stderr
    assert "python     An interface" in made.stderr
    assert not (tmp_path / "bright").exists()


def test_a_template_becomes_a_repository_ready_to_be_pushed(gavip, tmp_path):
    (tmp_path / "gitconfig").write_text('[user]\n\tname = "Dora \\"D\\" Émile"\n\temail = d@example.org\n')
    made = gavip("avi", "new", "bright-stars", "--template", "python", "--data", "licence=MIT")
    assert made.exit_code == 0, made.stderr
    version = templates.packaged()["python"].version
    assert f"Made bright-stars/ of the template python {version}." in made.stdout
    folder = tmp_path / "bright-stars"
    remote = git(folder, "remote", "get-url", "origin")
    assert remote == "http://gavip.localhost:9/services/gavip/git/bright-stars.git"
    assert git(folder, "status", "--porcelain") == ""
    manifest = (folder / "avi.toml").read_text()
    assert manifest.startswith('title = "Bright stars"\n')
    assert 'licence = "MIT"' in manifest
    assert 'name = "Dora \\"D\\" Émile"' in manifest
    assert str(tmp_path) not in (folder / ".copier-answers.yml").read_text()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--template", "pythn"], "there are: python, dashboard, fortran, java"),
        (["--template", "python", "--data", "titel=X"], "it asks for: title, summary, author"),
        (["--template", "python", "--data", "title="], "One line of 1 to 200 characters"),
        (["--template", "python", "--data", "author=a\nb"], "One line of 1 to 200 characters"),
        (["--template", "python", "--data", "licence=none"], "licence"),
        (["--template", "python", "--data", "title"], "NAME=VALUE"),
        (["--template", "python", "--from", "stars.ipynb"], "--from goes without"),
        (["--from", "stars.ipynb", "--defaults"], "--from goes without"),
    ],
)
def test_what_cannot_be_is_told_and_makes_no_folder(gavip, tmp_path, arguments, told):
    (tmp_path / "stars.ipynb").write_text(notebook("radius = 5.0", "print(radius)"))
    made = gavip("avi", "new", "bright", *arguments)
    assert made.exit_code == 2
    assert told in made.stderr
    assert "Traceback" not in made.stderr
    assert not [path for path in tmp_path.iterdir() if "bright" in path.name]


@pytest.mark.acceptance
def test_somebody_at_a_terminal_is_asked_each_question(gavip, tmp_path):
    ours, theirs = pty.openpty()
    command = [Path(sys.executable).with_name("gavip"), "avi", "new", "bright", "--template", "python"]
    with subprocess.Popen(command, cwd=tmp_path, stdin=theirs, stdout=theirs, stderr=theirs) as asking:
        os.close(theirs)
        for question, answer in [
            (b"people read of it?", b" stars\r"),
            (b"for the catalogue?", b"\r"),
            (b"Who wrote it", b"\r"),
            (b"institute", b"ESAC\r"),
            (b"licence may", b"\x1b[B\r"),
        ]:
            seen = b""
            while question not in seen:
                seen += os.read(ours, 1)
            os.write(ours, answer)
        with suppress(OSError):  # the terminal is gone with its last program
            while os.read(ours, 1000):
                pass
    os.close(ours)
    assert asking.returncode == 0
    manifest = (tmp_path / "bright/avi.toml").read_text()
    assert 'title = "Bright stars"' in manifest
    assert 'affiliation = "ESAC"' in manifest
    assert 'licence = "MIT"' in manifest


def test_an_update_is_told_with_the_next_step(gavip, tmp_path):
    source = template_of(tmp_path / "mine", {"template/a.py": "a = 1\n"})
    gavip("avi", "new", "bright", "--template", str(source))
    assert "This is the newest version" in gavip("avi", "update", "bright").stdout
    template_of(source, {"template/a.py": "a = 2\n"}, version="1.1.0")
    updated = gavip("avi", "update", "bright")
    assert updated.exit_code == 0, updated.stderr
    assert "Brought from 1.0.0 to 1.1.0" in updated.stdout
    assert "git diff" in updated.stdout
    assert (tmp_path / "bright/a.py").read_text() == "a = 2\n"


def test_a_conflict_is_told_with_its_files_and_the_next_step(gavip, tmp_path):
    source = template_of(tmp_path / "mine", {"template/a.py": "a = 1\n"})
    gavip("avi", "new", "bright", "--template", str(source))
    (tmp_path / "bright/a.py").write_text("a = 3\n")
    git(tmp_path / "bright", "commit", "-qam", "mine")
    template_of(source, {"template/a.py": "a = 2\n"}, version="1.1.0")
    updated = gavip("avi", "update", "bright")
    assert updated.exit_code == 5
    assert "  a.py\n" in updated.stderr
    assert "git checkout --ours FILE" in updated.stderr


def test_a_new_question_may_be_answered_beside_the_update(gavip, tmp_path):
    source = template_of(tmp_path / "mine")
    gavip("avi", "new", "bright", "--template", str(source))
    more = f"{QUESTIONS}star:\n  type: str\n  default: Vega\n"
    template_of(source, {"template/s.txt.jinja": "{{ star }}\n"}, version="2.0", questions=more)
    updated = gavip("avi", "update", "bright", "--data", "star=Mira")
    assert updated.exit_code == 0, updated.stderr
    assert (tmp_path / "bright/s.txt").read_text() == "Mira\n"


def test_what_was_made_of_a_notebook_is_told_so(gavip, tmp_path):
    (tmp_path / "stars.ipynb").write_text(notebook("radius = 5.0", "print(radius)"))
    gavip("avi", "new", "bright", "--from", "stars.ipynb")
    updated = gavip("avi", "update", "bright")
    assert updated.exit_code == 2
    assert "bright was not made of a template" in updated.stderr


def test_where_copier_is_not_installed_the_next_step_is_told(gavip, monkeypatch):
    monkeypatch.setattr(from_template, "find_spec", lambda _: None)
    made = gavip("avi", "new", "bright", "--template", "python")
    assert made.exit_code == 2
    assert "pip install 'avi-kernel[authoring]'" in made.stderr


def test_the_command_knows_nothing_of_copier_until_it_copies():
    code = (
        "import sys, avi_kernel.cli.avi_commands as c; print({'copier', 'yaml', 'jinja2'} & set(sys.modules))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout == "set()\n"
