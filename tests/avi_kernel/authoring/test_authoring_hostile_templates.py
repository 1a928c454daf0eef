"""A stranger's template runs nothing, writes nowhere else, and learns nothing."""

import pytest

from avi_kernel.authoring import from_template
from avi_kernel.authoring.problems import AuthoringProblem
from tests.support.templates import QUESTIONS, git, made, template_of

TOUCH = "touch {}/ran"


@pytest.mark.parametrize(
    "wish",
    ["_tasks: ['touch {}/ran']", "_jinja_extensions: [os.path]"],
)
def test_a_template_that_wants_to_run_something_is_refused(tmp_path, wish):
    source = template_of(tmp_path / "mine", questions=f"{wish.format(tmp_path)}\n{QUESTIONS}")
    with pytest.raises(AuthoringProblem, match="run programs of its own"):
        made(tmp_path / "avi", str(source))
    assert not (tmp_path / "ran").exists()
    assert not (tmp_path / "avi").exists()


def test_trust_that_the_author_gave_elsewhere_counts_for_nothing(tmp_path):
    source = template_of(tmp_path / "mine", questions=f"_tasks: ['touch {tmp_path}/ran']\n{QUESTIONS}")
    settings = tmp_path / "config/copier/settings.yml"
    settings.parent.mkdir(parents=True)
    settings.write_text(f"trust:\n- git+file://{source}\n- {source}\n- git+file:///\n")
    with pytest.raises(AuthoringProblem, match="run programs of its own"):
        made(tmp_path / "avi", str(source))
    assert not (tmp_path / "ran").exists()


def test_a_newer_version_that_wants_to_run_something_is_refused(tmp_path):
    source = template_of(tmp_path / "mine")
    avi = made(tmp_path / "avi", str(source))
    wish = f"_migrations: ['touch {tmp_path}/ran']\n"
    template_of(source, version="2.0", questions=wish + QUESTIONS)
    with pytest.raises(AuthoringProblem, match="run programs of its own"):
        from_template.update(avi, answers={}, ask=False)
    assert not (tmp_path / "ran").exists()
    assert git(avi, "status", "--porcelain") == ""


@pytest.mark.parametrize("name", ["{{ '.gi' ~ 't' }}", "{{ '.GIT' }}"])
def test_what_git_would_obey_is_not_written(tmp_path, name):
    source = template_of(tmp_path / "mine")
    hook = source / "template" / name / "hooks" / "pre-commit"
    hook.parent.mkdir(parents=True)
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    hook.chmod(0o755)
    (source / "copier.yml").write_text(f"_subdirectory: template\n_exclude: ['!.git']\n{QUESTIONS}")
    git(source, "add", "-A")
    git(source, "commit", "-qm", "hostile")
    git(source, "tag", "-f", "v1.0.0")
    avi = made(tmp_path / "avi", str(source))
    assert not (avi / ".git/hooks/pre-commit").exists()
    assert not (avi / ".GIT").exists()
    assert not (tmp_path / "ran").exists()


def test_a_link_leads_nowhere(tmp_path):
    source = template_of(tmp_path / "mine", questions=f"_preserve_symlinks: true\n{QUESTIONS}")
    (tmp_path / "secret").write_text("secret")
    (source / "template/link").symlink_to(tmp_path / "secret")
    git(source, "add", "-A")
    git(source, "commit", "-qm", "hostile")
    git(source, "tag", "-f", "v1.0.0")
    avi = made(tmp_path / "avi", str(source))
    assert not (avi / "link").is_symlink()
    assert "secret" not in (avi / "link").read_text().removesuffix("/secret")


def test_what_stands_in_the_environment_is_not_told(tmp_path, monkeypatch):
    monkeypatch.setenv("GAVIP_TOKEN", "sesame")
    monkeypatch.setenv("HTTPS_PROXY", "http://me:sesame@127.0.0.1:9")
    said = "{{ '$GAVIP_TOKEN ${HTTPS_PROXY}' | expandvars }}"
    avi = made(
        tmp_path / "avi", str(template_of(tmp_path / "mine", {"template/said.txt.jinja": f"{said} $\n"}))
    )
    assert (avi / "said.txt").read_text() == "$GAVIP_TOKEN ${HTTPS_PROXY} $\n"


def test_a_path_that_leads_out_is_refused(tmp_path):
    name = "{{ '..' }}"
    source = template_of(tmp_path / "mine", {f"template/{name}/{name}/out.txt": "out"})
    with pytest.raises(AuthoringProblem, match="cannot be used"):
        made(tmp_path / "avi", str(source))
    assert not list(tmp_path.rglob("out.txt"))[1:]


def test_another_repository_inside_is_not_fetched(tmp_path):
    other = template_of(tmp_path / "other", {"secret.txt": "secret"})
    source = template_of(tmp_path / "mine")
    git(source, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(other), "template/other")
    git(source, "commit", "-qm", "hostile")
    git(source, "tag", "-f", "v1.0.0")
    with pytest.raises(AuthoringProblem):
        made(tmp_path / "avi", str(source))


@pytest.mark.parametrize("address", ["git+ext::sh -c 'touch {0}/ran'", "git+ssh://-oProxyCommand=touch/x"])
def test_an_avi_of_a_stranger_names_no_program(tmp_path, address):
    avi = made(tmp_path / "avi", str(template_of(tmp_path / "mine")))
    told = {"_src_path": address.format(tmp_path), "_commit": "v1.0.0"}
    (avi / ".copier-answers.yml").write_text("".join(f'{key}: "{value}"\n' for key, value in told.items()))
    git(avi, "commit", "-qam", "hostile")
    with pytest.raises(AuthoringProblem, match="not taken from"):
        from_template.update(avi, answers={}, ask=False)
    assert not (tmp_path / "ran").exists()


def test_a_module_where_the_author_stands_is_not_taken_for_copier(tmp_path, monkeypatch):
    (tmp_path / "copier.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    monkeypatch.chdir(tmp_path)
    made(tmp_path / "avi", str(template_of(tmp_path / "mine")))
    assert not (tmp_path / "ran").exists()
