"""A tree is written by one program, which gets the content of new files first."""

import pytest

from gavip_hub.exceptions import Unavailable
from gavip_hub.storage.git import Git
from gavip_hub.storage.git_entries import blob_of_bytes


@pytest.fixture
def git(tmp_path):
    made = Git(tmp_path / "bare.git")
    made.make()
    return made


@pytest.fixture
def content(tmp_path):
    folder = tmp_path / "content of somebody's"
    folder.mkdir()
    return folder


def blob(text: str) -> str:
    return blob_of_bytes(text.encode(), letters=40)


def test_git_has_new_files_and_the_tree_of_all(git, content):
    (content / "deep").mkdir()
    (content / "deep" / '"quoted".txt').write_text("new")
    files = {'deep/"quoted".txt': ("100755", blob("new"))}
    tree, taken = git.written(files, folder=content, new=files)
    assert [(one.path, one.mode, one.size) for one in git.entries(tree)] == [
        ('deep/"quoted".txt', "100755", 3)
    ]
    assert taken.keys() == files.keys()
    assert git.look(blob("new")) == (blob("new"), "blob", 3)


def test_what_git_has_already_is_named_alone(git, content):
    (content / "first").write_text("old")
    git.written({"first": ("100644", blob("old"))}, folder=content, new=["first"])
    (content / "first").unlink()
    tree, _ = git.written({"second": ("100644", blob("old"))}, folder=content, new=[])
    assert [(one.path, one.object_id) for one in git.entries(tree)] == [("second", blob("old"))]


def test_a_file_that_is_gone_makes_no_tree_and_leaves_nothing(git, content, tmp_path):
    before = set((tmp_path / "bare.git").iterdir())
    with pytest.raises(Unavailable):
        git.written({"gone": ("100644", blob("gone"))}, folder=content, new=["gone"])
    assert set((tmp_path / "bare.git").iterdir()) == before
    assert git.look(blob("gone")) is None
