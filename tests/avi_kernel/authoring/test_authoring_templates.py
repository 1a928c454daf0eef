"""Which templates there are, what they are called, and how a newer one is merged."""

import json
import subprocess

import pytest

from avi_kernel.authoring import from_template, templates
from avi_kernel.authoring.problems import AuthoringProblem
from avi_kernel.protocol.folder import read_release
from scripts import template_versions
from tests.support.templates import PACKAGED, git, made, template_of


def test_the_packaged_templates_are_as_their_folders_say():
    assert template_versions.names() == list(PACKAGED) == list(templates.packaged())
    assert [template_versions.problem(name, write=False) for name in PACKAGED] == [None] * 4
    assert (template_versions.PACKAGED / "templates.json").read_text() == template_versions.index()


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ("python", "gavip:python.git"),
        ("https://example.org/x.git", "https://example.org/x.git"),
        ("https://example.org/x", "git+https://example.org/x"),
        ("http://gavip.localhost:8000/x.git", "http://gavip.localhost:8000/x.git"),
    ],
)
def test_what_an_avi_remembers_says_nothing_of_this_machine(given, address):
    assert templates.address_of(given) == address


@pytest.mark.parametrize(
    "given",
    [
        "pythn",
        "http://example.org/x.git",
        "ssh://git@example.org/x.git",
        "git@example.org:x.git",
        "ext::sh -c date",
        "https://me:secret@example.org/x.git",
        "--upload-pack=date",
    ],
)
def test_an_address_that_is_none_is_refused(given):
    with pytest.raises(AuthoringProblem):
        templates.address_of(given)


def test_a_folder_is_a_template_and_named_as_one(tmp_path):
    address = templates.address_of(str(template_of(tmp_path / "mine")))
    assert address == f"git+file://{tmp_path}/mine"
    assert templates.name_of("gavip:python.git") == "python"


def test_a_repository_without_a_version_is_none(tmp_path):
    git(template_of(tmp_path / "mine"), "tag", "-d", "v1.0.0")
    with pytest.raises(AuthoringProblem, match="has no version"):
        made(tmp_path / "avi", str(tmp_path / "mine"))
    assert not (tmp_path / "avi").exists()


def test_a_template_whose_avis_could_not_be_brought_on_is_refused(tmp_path):
    source = template_of(tmp_path / "mine", {"template/.copier-answers.yml.jinja": ""})
    (source / "template/.copier-answers.yml.jinja").unlink()
    git(source, "commit", "-qam", "without")
    git(source, "tag", "-f", "v1.0.0")
    with pytest.raises(AuthoringProblem, match="could never be brought on"):
        made(tmp_path / "avi", str(source))
    assert not (tmp_path / "avi").exists()


def test_a_newer_version_is_merged_with_what_its_author_changed(tmp_path):
    lines = [f"line {number}\n" for number in range(12)]
    source = template_of(tmp_path / "mine", {"template/README.md": "".join(lines)})
    avi = made(tmp_path / "avi", str(source), title="Bright stars")
    (avi / "README.md").write_text("".join(["mine\n", *lines[1:]]))
    (avi / "own.py").write_text("mine = 1\n")
    git(avi, "add", "-A")
    git(avi, "commit", "-qm", "mine")
    template_of(
        source,
        {"template/README.md": "".join([*lines[:-1], "theirs\n"]), "template/new.py": "new = 1\n"},
        version="1.1.0",
        questions="title:\n  type: str\nsecond:\n  type: str\n  default: two\n",
    )
    done = from_template.update(avi, answers={}, ask=False)
    assert (done.before.version, done.after.version, done.conflicts) == ("1.0.0", "1.1.0", [])
    assert (avi / "README.md").read_text() == "".join(["mine\n", *lines[1:-1], "theirs\n"])
    assert (avi / "own.py").read_text() == "mine = 1\n"
    assert (avi / "new.py").read_text() == "new = 1\n"
    assert (avi / "avi.toml").read_text() == 'title = "Bright stars"\n'
    assert git(avi, "log", "--oneline").count("\n") == 1  # nothing was committed


def test_the_same_line_changed_by_both_is_a_conflict_of_that_file_alone(tmp_path):
    source = template_of(tmp_path / "mine", {"template/a.py": "a = 1\n", "template/b.py": "b = 1\n"})
    avi = made(tmp_path / "avi", str(source))
    (avi / "a.py").write_text("a = 2\n")
    git(avi, "commit", "-qam", "mine")
    template_of(source, {"template/a.py": "a = 3\n", "template/b.py": "b = 3\n"}, version="2.0")
    done = from_template.update(avi, answers={}, ask=False)
    assert done.conflicts == ["a.py"]
    assert (avi / "b.py").read_text() == "b = 3\n"
    git(avi, "checkout", "--ours", "a.py")
    assert (avi / "a.py").read_text() == "a = 2\n"
    git(avi, "checkout", "--theirs", "a.py")
    assert (avi / "a.py").read_text() == "a = 3\n"


def test_a_packaged_template_is_merged_from_the_versions_that_come_with_the_command(tmp_path, monkeypatch):
    avi = made(tmp_path / "avi", "python")
    unpacked = tmp_path / "next"
    templates.mirror("gavip:python.git", tmp_path / "python.git")
    git(tmp_path, "clone", "-q", "python.git", str(unpacked))
    readme = unpacked / "template/README.md.jinja"
    readme.write_text(readme.read_text() + "\nMore is said now.\n")
    git(unpacked, "commit", "-qam", "99.0.0")
    git(unpacked, "tag", "v99.0.0")
    newer = tmp_path / "packaged"
    newer.mkdir()
    listed = [{"name": "python", "version": "99.0.0", "summary": ""}]
    (newer / "templates.json").write_text(json.dumps(listed))
    (newer / "python.versions").write_text(git(unpacked, "fast-export", "--all") + "\n")
    monkeypatch.setattr(templates, "PACKAGED", newer)
    done = from_template.update(avi, answers={}, ask=False)
    assert (done.after.name, done.after.version) == ("python", "99.0.0")
    assert (avi / "README.md").read_text().endswith("More is said now.\n")


@pytest.mark.acceptance
@pytest.mark.parametrize("name", PACKAGED)
def test_an_avi_of_the_first_version_that_was_kept_is_brought_to_the_newest(tmp_path, monkeypatch, name):
    templates.mirror(f"gavip:{name}.git", tmp_path / "all.git")
    first = git(tmp_path / "all.git", "tag", "--sort=version:refname").splitlines()[0]
    with monkeypatch.context() as before:
        (tmp_path / "before").mkdir()
        (tmp_path / f"before/{name}.versions").write_text(
            git(tmp_path / "all.git", "fast-export", first) + "\n"
        )
        (tmp_path / "before/templates.json").write_text(
            json.dumps([{"name": name, "version": first, "summary": ""}])
        )
        before.setattr(templates, "PACKAGED", tmp_path / "before")
        avi = made(tmp_path / "avi", name, title="Mine")
    assert from_template.origin(avi).version == first.removeprefix("v")
    (avi / "sky/__init__.py").write_text('"""What is mine."""\n')
    git(avi, "commit", "-qam", "mine")
    done = from_template.update(avi, answers={}, ask=False)
    assert (done.after.version, done.conflicts) == (templates.packaged()[name].version, [])
    assert (avi / "sky/__init__.py").read_text() == '"""What is mine."""\n'
    assert read_release(avi).manifest.title == "Mine"


def test_a_git_that_was_led_elsewhere_is_led_back(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "index"))
    avi = made(tmp_path / "avi", "python")
    assert (avi / ".git/HEAD").exists()
    assert not (tmp_path / "elsewhere").exists()


def test_a_template_that_was_retired_is_told(tmp_path, monkeypatch):
    avi = made(tmp_path / "avi", "python")
    monkeypatch.setattr(templates, "packaged", dict)
    with pytest.raises(AuthoringProblem, match="does not come with this gavip any more"):
        from_template.update(avi, answers={}, ask=False)


def test_changes_that_are_not_committed_are_told_before_anything_is_touched(tmp_path):
    avi = made(tmp_path / "avi", str(template_of(tmp_path / "mine")))
    (avi / "avi.toml").write_text('title = "Mine"\n')
    with pytest.raises(AuthoringProblem, match="not committed"):
        from_template.update(avi, answers={}, ask=False)


def test_a_folder_that_git_does_not_know_is_told(tmp_path):
    avi = made(tmp_path / "avi", str(template_of(tmp_path / "mine")))
    subprocess.run(["rm", "-r", str(avi / ".git")], check=True)
    with pytest.raises(AuthoringProblem, match="no working copy of git"):
        from_template.update(avi, answers={}, ask=False)


@pytest.mark.parametrize("text", ["", "[", "_src_path: 1\n_commit: 2\n", "a" * 300_000])
def test_an_answers_file_that_says_nothing_is_told(tmp_path, text):
    (tmp_path / ".copier-answers.yml").write_text(text)
    with pytest.raises(AuthoringProblem):
        from_template.origin(tmp_path)
