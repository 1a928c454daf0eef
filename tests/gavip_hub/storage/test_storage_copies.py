"""Files are taken out of a commit of any author's, with git's own plumbing as the author."""

import os
import subprocess
from datetime import UTC, datetime

import pytest

from gavip_hub.exceptions import BadManifest, Unavailable
from gavip_hub.storage import copies
from gavip_hub.storage.copies import Tree, copied, taken_out
from gavip_hub.storage.git import MOST_KB, Commit, Git, limited
from tests.support.avis import star_counter

NOW = datetime(2026, 1, 1, tzinfo=UTC)
WHO = {f"GIT_{role}_{what}": "ann" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "out").mkdir()
    return tmp_path / "bare.git"


@pytest.fixture
def plumb(folder):
    """Run git in the bare repository as its author does, with nothing checked."""

    def run(*arguments: str, given: str = "") -> str:
        done = subprocess.run(
            ["git", f"--git-dir={folder}", *arguments],
            input=given,
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, **WHO},
        )
        return done.stdout.strip()

    Git(folder).make()
    return run


@pytest.fixture
def blob(plumb):
    return plumb("hash-object", "-w", "--stdin", given="../../etc/passwd")


def committed(plumb, *entries: str) -> str:
    """Commit a tree of entries as git prints them."""
    tree = plumb("mktree", "--missing", given="\n".join(entries))
    return plumb("commit-tree", tree, "-m", "made")


def refused(folder, tmp_path, commit: str) -> str:
    with pytest.raises(BadManifest) as caught:
        taken_out(Git(folder), commit, tmp_path / "out")
    return caught.value.message


def cloned_and_pushed(folder, source) -> str:
    for arguments in (
        ["init", "-q"],
        ["add", "-A"],
        ["commit", "-qm", "x"],
        ["push", "-q", str(folder), "HEAD:main"],
    ):
        subprocess.run(["git", *arguments], cwd=source, check=True, env={**os.environ, **WHO})
    return Git(folder).commit_of("refs/heads/main")


def test_a_commits_files_are_those_of_the_folder_it_was_made_from(folder, plumb, tmp_path):
    source = star_counter(tmp_path / "source")
    (source / "a.d").mkdir()
    (source / "a.d" / "deep").write_bytes(bytes(range(256)) * 1000)
    (source / "a").write_text("comes before a.d in one order and after it in the other")
    (source / "a").chmod(0o755)
    descriptor = os.open(source, os.O_RDONLY)
    (tmp_path / "copy").mkdir()
    of_folder = copied(descriptor, tmp_path / "copy")
    os.close(descriptor)
    of_commit = taken_out(Git(folder), cloned_and_pushed(folder, source), tmp_path / "out")
    assert of_commit == Tree(folder=tmp_path / "out", files=of_folder.files, digest=of_folder.digest)
    assert (tmp_path / "out/a.d/deep").read_bytes() == bytes(range(256)) * 1000


@pytest.fixture
def begun(folder, plumb, tmp_path):
    """A folder as it was committed, and what git has of it."""
    source = star_counter(tmp_path / "source")
    (source / "large.bin").write_bytes(bytes(copies.MB))
    commit = cloned_and_pushed(folder, source)
    return source, {entry.path: entry for entry in Git(folder).entries(commit)}


def copy_of(source, target, known):
    target.mkdir()
    descriptor = os.open(source, os.O_RDONLY)
    try:
        return copied(descriptor, target, known)
    finally:
        os.close(descriptor)


def written(tree):
    return {str(file.relative_to(tree.folder)) for file in tree.folder.rglob("*") if file.is_file()}


def test_small_files_that_are_as_they_were_committed_are_not_copied(begun, tmp_path):
    source, known = begun
    tree = copy_of(source, tmp_path / "copy", known)
    assert written(tree) == {"large.bin"}
    assert tree.known == {path: one.object_id for path, one in known.items() if path != "large.bin"}


def test_what_is_not_copied_counts_as_what_is(begun, tmp_path):
    source, known = begun
    all_of_it, part = copy_of(source, tmp_path / "all", {}), copy_of(source, tmp_path / "part", known)
    assert (part.files, part.digest) == (all_of_it.files, all_of_it.digest)
    assert written(all_of_it) == part.files.keys()


def test_a_file_that_changed_is_copied(begun, tmp_path):
    source, known = begun
    (source / "app.ipynb").write_text((source / "app.ipynb").read_text().upper())  # as long as before
    (source / "avi.toml").chmod(0o755)
    (source / "new.txt").write_text("new")
    tree = copy_of(source, tmp_path / "copy", known)
    assert written(tree) == {"large.bin", "app.ipynb", "avi.toml", "new.txt"}


def test_files_that_are_not_copied_are_counted(begun, tmp_path, monkeypatch):
    source, known = begun
    monkeypatch.setattr(copies, "LARGEST_TREE", copies.MB)
    with pytest.raises(BadManifest, match="larger than 1 MB"):
        copy_of(source, tmp_path / "copy", known)
    monkeypatch.setattr(copies, "MOST_FILES", len(known) - 1)
    monkeypatch.setattr(copies, "LARGEST_TREE", 2 * copies.MB)
    with pytest.raises(BadManifest, match="more than"):
        copy_of(source, tmp_path / "again", known)


def test_attributes_of_the_tree_change_nothing(folder, plumb, tmp_path):
    source = star_counter(tmp_path / "source")
    (source / ".gitattributes").write_text("README.md export-ignore\napp.ipynb export-subst\n")
    (source / "README.md").write_text("$Format:%H$")
    taken_out(Git(folder), cloned_and_pushed(folder, source), tmp_path / "out")
    assert (tmp_path / "out/README.md").read_text() == "$Format:%H$"


def test_a_link_is_refused(folder, plumb, blob, tmp_path):
    commit = committed(plumb, f"120000 blob {blob}\tapp.ipynb")
    assert refused(folder, tmp_path, commit) == "app.ipynb: is a link; put the file itself there."


def test_a_submodule_is_refused(folder, plumb, tmp_path):
    commit = committed(plumb, f"160000 commit {'1' * 40}\tmodule")
    assert refused(folder, tmp_path, commit) == "module: is a submodule; put its files themselves there."


@pytest.mark.parametrize("name", ["..", "."])
def test_a_name_that_leads_out_is_refused(folder, plumb, blob, tmp_path, name):
    inner = plumb("mktree", given=f"100644 blob {blob}\tpasswd")
    commit = committed(plumb, f"040000 tree {inner}\t{name}")
    assert "leads out of the folder" in refused(folder, tmp_path, commit)


def test_a_name_too_long_for_a_disk_is_refused(folder, plumb, blob, tmp_path):
    commit = committed(plumb, f"100644 blob {blob}\t{'n' * 300}")
    assert "a name that is shorter" in refused(folder, tmp_path, commit)


def test_a_tree_that_names_itself_without_end_is_refused_soon(folder, plumb, blob, tmp_path):
    tree = plumb("mktree", given="\n".join(f"100644 blob {blob}\tf{number}" for number in range(10)))
    for _ in range(12):  # ten to the thirteenth files
        tree = plumb("mktree", given="\n".join(f"040000 tree {tree}\td{number}" for number in range(10)))
    commit = plumb("commit-tree", tree, "-m", "bomb")
    assert "more than 5000 files" in refused(folder, tmp_path, commit)


def test_a_tree_of_large_files_is_refused(folder, plumb, blob, tmp_path, monkeypatch):
    monkeypatch.setattr(copies, "LARGEST_TREE", 20)
    commit = committed(plumb, f"100644 blob {blob}\ta", f"100644 blob {blob}\tb")
    assert "leave data out of it" in refused(folder, tmp_path, commit)


def test_what_is_no_commit_has_none(folder, plumb, blob):
    assert Git(folder).commit_of(blob) is None
    assert Git(folder).commit_of("f" * 40) is None


def test_thousands_of_files_are_taken_out(folder, plumb, tmp_path):
    """More ids than a pipe holds, while their contents fill another."""
    blob = plumb("hash-object", "-w", "--stdin", given="x" * 5000)
    tree = plumb("mktree", given="\n".join(f"100644 blob {blob}\tf{number}" for number in range(4000)))
    commit = plumb("commit-tree", tree, "-m", "many")
    assert len(taken_out(Git(folder), commit, tmp_path / "out").files) == 4000


def test_a_folder_that_is_left_out_is_not_read_without_end(folder, plumb, blob, tmp_path):
    tree = plumb("mktree", given="\n".join(f"100644 blob {blob}\tf{number}" for number in range(10)))
    for _ in range(12):
        tree = plumb("mktree", given="\n".join(f"040000 tree {tree}\td{number}" for number in range(10)))
    commit = committed(plumb, f"040000 tree {tree}\t.cache")
    assert "More than 20000 files" in refused(folder, tmp_path, commit)


def test_a_tree_of_which_a_part_is_lost_is_no_tree(folder, plumb, blob, tmp_path):
    commit = committed(plumb, f"100644 blob {blob}\ta", f"040000 tree {'1' * 40}\tlost")
    with pytest.raises(Unavailable, match="did not come to its end"):
        taken_out(Git(folder), commit, tmp_path / "out")


def test_git_has_limits_from_its_first_moment():
    done = subprocess.run(
        [*limited("sh", "-c", "ulimit -v; ulimit -t", seconds=7)], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == [str(MOST_KB), "7"]


def test_a_release_of_a_folder_throws_nothing_away_that_was_pushed_meanwhile(
    folder, plumb, blob, tmp_path, monkeypatch
):
    pushed = committed(plumb, f"100644 blob {blob}\ttheirs")
    git, named, asked = Git(folder), Git.named, []

    def while_somebody_pushes(self, name: str) -> str:
        found = named(self, name)
        if not asked:
            plumb("update-ref", "refs/heads/main", pushed)
        asked.append(name)
        return found

    monkeypatch.setattr(Git, "named", while_somebody_pushes)
    (tmp_path / "a").write_text("mine")
    made = git.record(tmp_path, {"a": False}, Commit(message="m", tag="v1", author="ann", at=NOW))
    assert plumb("rev-parse", "main", "main~", "v1").split() == [made, pushed, made]
