"""What a commit holds is asked once, and of many commits, of those that were asked for last."""

import pytest

from gavip_hub.storage import kept_trees
from gavip_hub.storage.git_entries import Entry
from gavip_hub.storage.kept_trees import MOST_ENTRIES, KeptTrees


class Repository:
    """A repository that counts how often it is asked."""

    def __init__(self, *, files: int = 2):
        self.files = files
        self.asked: list[str] = []

    def entries(self, commit):
        self.asked.append(commit)
        for number in range(self.files):
            yield Entry(mode="100644", object_id=f"{number:040}", size=1, path=f"{commit}-{number}")


@pytest.fixture
def trees():
    return KeptTrees()


def test_a_commit_is_asked_for_once(trees):
    git = Repository()
    assert trees.files(git, avi="hr", commit="a") == trees.files(git, avi="hr", commit="a")
    assert list(trees.files(git, avi="hr", commit="a")) == ["a-0", "a-1"]
    assert git.asked == ["a"]


def test_commits_of_other_projects_are_others(trees):
    git = Repository()
    trees.files(git, avi="hr", commit="a")
    trees.files(git, avi="map", commit="a")
    assert git.asked == ["a", "a"]


def test_what_was_asked_for_longest_ago_is_forgotten(trees, monkeypatch):
    monkeypatch.setattr(kept_trees, "MOST_COMMITS", 2)
    git = Repository()
    for commit in "abacab":
        trees.files(git, avi="hr", commit=commit)
    assert git.asked == ["a", "b", "c", "b"]


def test_a_large_commit_is_not_kept(trees):
    git = Repository(files=MOST_ENTRIES + 1)
    assert len(trees.files(git, avi="hr", commit="a")) == MOST_ENTRIES + 1
    trees.files(git, avi="hr", commit="a")
    assert git.asked == ["a", "a"]
