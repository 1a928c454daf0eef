import os
import shutil
import subprocess
from datetime import UTC, datetime

import pytest

from gavip_hub.exceptions import BadManifest, BadRequest, NotFound
from gavip_hub.storage import copies
from gavip_hub.storage.repositories import Repositories, split_source
from tests.support.avis import star_counter, write_avi

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def kept(tmp_path):
    return Repositories(root=tmp_path / "root")


@pytest.fixture
def source(tmp_path):
    return star_counter(tmp_path / "source")


def commit(kept, source, version="1.0"):
    tree = kept.take_in(source, [])
    return kept.commit(tree, avi="stars", version=version, author="dora", at=NOW)


def git(tmp_path, *arguments):
    command = ["git", f"--git-dir={tmp_path / 'root/repositories/stars.git'}", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_a_release_is_a_commit_with_a_tag_and_a_checkout_that_nobody_changes(kept, source, tmp_path):
    first = commit(kept, source)
    checkout = kept.checkout("stars", first)
    assert (checkout / "app.ipynb").read_text() == (source / "app.ipynb").read_text()
    assert not checkout.stat().st_mode & 0o222
    assert not (checkout / "app.ipynb").stat().st_mode & 0o222
    assert git(tmp_path, "rev-parse", "v1.0").strip() == first
    (source / "README.md").write_text("changed")
    second = commit(kept, source, "1.1")
    assert git(tmp_path, "rev-list", "main").split() == [second, first]
    assert (checkout / "README.md").read_text() == "# Star counter\n"


def test_the_same_content_has_the_same_digest_wherever_it_lies(kept, source, tmp_path):
    copy = star_counter(tmp_path / "copy")
    assert kept.take_in(source, []).digest == kept.take_in(copy, []).digest
    (copy / "README.md").chmod(0o755)
    assert kept.take_in(source, []).digest != kept.take_in(copy, []).digest


def test_folders_without_end_are_refused(kept, source):
    (source / "/".join(["d"] * 500)).mkdir(parents=True)
    with pytest.raises(BadManifest, match="40 deep"):
        kept.take_in(source, [])


def test_a_repository_of_its_authors_and_caches_are_left_out(kept, source):
    write_avi(source, {".git/config": "[core]", "a/__pycache__/x.pyc": "x", ".ipynb_checkpoints/a": "x"})
    assert sorted(kept.take_in(source, []).files) == [
        "README.md",
        "app.ipynb",
        "avi.toml",
        "pipelines/count.ipynb",
    ]


@pytest.mark.parametrize("name", ["link", "pipelines/link", "folder"])
def test_a_link_is_refused_and_nothing_is_left_behind(kept, source, tmp_path, name):
    secret = tmp_path / "secret"
    secret.mkdir()
    (source / name).symlink_to(secret if name == "folder" else "/etc/passwd")
    with pytest.raises(BadManifest, match=f"{name}: is a link"):
        kept.take_in(source, [])
    assert list((tmp_path / "root/checkouts/.staging").iterdir()) == []


def test_who_copies_the_same_folder_as_usual_gets_what_the_link_leads_to(source, tmp_path):
    """The control of the test above."""
    (source / "link").symlink_to("/etc/passwd")
    copy = shutil.copytree(source, tmp_path / "copy")
    assert "root:x:0:0" in (copy / "link").read_text()


def test_a_pipe_does_not_hang_the_platform(kept, source):
    os.mkfifo(source / "pipe")
    with pytest.raises(BadManifest, match="pipe: is not a file"):
        kept.take_in(source, [])


def test_a_link_on_the_way_to_the_folder_is_refused(kept, source, tmp_path):
    (tmp_path / "link").symlink_to(source)
    with pytest.raises(Exception, match="link must be a folder"):
        kept.take_in(tmp_path, ["link"])


def test_too_much_is_refused_before_it_is_copied(kept, source, monkeypatch):
    monkeypatch.setattr(copies, "LARGEST_TREE", 1024)
    with (source / "big").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(BadManifest, match="larger than"):
        kept.take_in(source, [])


def test_the_same_file_is_taken_where_it_is_small(kept, source):
    with (source / "big").open("wb") as file:
        file.truncate(1 << 20)
    assert "big" in kept.take_in(source, []).files


def test_too_many_files_are_refused(kept, source, monkeypatch):
    monkeypatch.setattr(copies, "MOST_FILES", 3)
    with pytest.raises(BadManifest, match="more than 3 files"):
        kept.take_in(source, [])


def test_a_file_name_with_a_line_break_is_refused(kept, source):
    (source / "a\nb").write_text("x")
    with pytest.raises(BadManifest, match="without control characters"):
        kept.take_in(source, [])


def test_what_git_would_run_or_change_it_does_not(kept, source, tmp_path):
    """Filters, hooks and line ends of the author's have no say: the bytes are kept as they are."""
    mark = tmp_path / "ran"
    write_avi(
        source, {".gitattributes": "* filter=evil text eol=lf ident\n", ".gitconfig": f"x\n[filter]\n{mark}"}
    )
    (source / "crlf.txt").write_bytes(b"a\r\n$Id$\r\n")
    (source / "--upload-pack=touch x").write_text("odd, but a name")
    done = commit(kept, source)
    assert not mark.exists()
    assert (kept.checkout("stars", done) / "crlf.txt").read_bytes() == b"a\r\n$Id$\r\n"
    assert (
        "$Id$\r\n"
        in subprocess.run(
            [
                "git",
                f"--git-dir={tmp_path / 'root/repositories/stars.git'}",
                "cat-file",
                "-p",
                f"{done}:crlf.txt",
            ],
            capture_output=True,
            check=True,
        ).stdout.decode()
    )


def test_hooks_of_the_repository_are_not_run(kept, source, tmp_path):
    commit(kept, source)
    mark = tmp_path / "ran"
    hooks = tmp_path / "root/repositories/stars.git/hooks"
    hooks.mkdir()
    for name in ("reference-transaction", "post-update", "pre-commit"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch {mark}\n")
        (hooks / name).chmod(0o755)
    (source / "README.md").write_text("x")
    commit(kept, source, "2")
    assert not mark.exists()
    git(tmp_path, "update-ref", "refs/heads/control", "main")
    assert mark.exists(), "the control did not run: the hooks of this test are not seen by git"


def plain_git(folder, *arguments):
    """Run git as anybody would, who lets it fetch from folders."""
    who = ["-c", "user.name=dora", "-c", "user.email=dora@example.org", "-c", "protocol.file.allow=always"]
    subprocess.run(["git", *who, "-C", str(folder), *arguments], check=True, capture_output=True)


@pytest.fixture
def with_submodule(source, tmp_path):
    """An author's repository whose submodule is a repository of the platform's, which only the platform may read."""
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "token").write_text("the token")
    for folder in (secret, source):
        plain_git(folder, "init", "--quiet")
    plain_git(secret, "add", "token")
    plain_git(secret, "commit", "--quiet", "-m", "x")
    plain_git(source, "submodule", "add", "--quiet", str(secret), "theirs")
    plain_git(source, "commit", "--quiet", "-m", "x")
    plain_git(source, "submodule", "deinit", "--quiet", "--force", "theirs")
    return source


def test_a_submodule_is_not_fetched(kept, with_submodule):
    taken = kept.checkout("stars", commit(kept, with_submodule))
    assert "secret" in (taken / ".gitmodules").read_text()  # a file like any other, and nobody obeys it
    assert not (taken / "theirs").exists()


def test_who_clones_the_same_repository_with_its_submodules_fetches_it(with_submodule, tmp_path):
    """The control of the test above."""
    plain_git(tmp_path, "clone", "--quiet", "--recurse-submodules", str(with_submodule), "clone")
    assert (tmp_path / "clone/theirs/token").read_text() == "the token"


def test_a_file_of_git_that_names_another_repository_is_left_out(kept, source, tmp_path):
    """So a submodule says where its repository lies."""
    write_avi(
        source, {"theirs/.git": f"gitdir: {tmp_path / 'root/repositories/others.git'}\n", "theirs/a": "x"}
    )
    taken = kept.take_in(source, [])
    assert "theirs/a" in taken.files
    assert "theirs/.git" not in taken.files


def test_a_folder_is_named_below_its_base_only(tmp_path):
    assert split_source("a/b", base=tmp_path) == ["a", "b"]
    assert split_source(str(tmp_path / "a"), base=tmp_path) == ["a"]
    for folder in ("/etc", "../x", "a/../../x"):
        with pytest.raises(BadRequest):
            split_source(folder, base=tmp_path)


def test_a_folder_that_is_not_there_is_told(kept, tmp_path):
    with pytest.raises(NotFound):
        kept.take_in(tmp_path, ["none"])


def test_a_name_that_git_would_read_as_quoted_stands_for_its_own_file_only(kept, source, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("SECRET")
    odd = '"' + str(secret).replace("/", "\\057") + '"'
    (source / odd).write_text("mine")
    (source / '"half').write_text("half")
    commit = kept.commit(kept.take_in(source, []), avi="stars", version="1.0", author="ann", at=NOW)
    git = kept.git("stars")
    content = {entry.path: b"".join(pieces) for entry, pieces in git.contents(list(git.entries(commit)))}
    assert (content[odd], content['"half']) == (b"mine", b"half")
    assert b"SECRET" not in content.values()
