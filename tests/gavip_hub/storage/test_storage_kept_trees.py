"""What a commit holds is asked once, and of many commits, of those that were asked for last."""

import pytest

from gavip_hub.storage import kept_trees
from gavip_hub.storage.git_entries import Entry
from gavip_hub.storage.kept_trees import MOST_ENTRIES, MOST_LETTERS, KeptTrees


class Repository:
    """A repository that counts how often it is asked."""

    def __init__(self, *, files: int = 2, ending: str = ""):
        self.files = files
        self.ending = ending
        self.asked: list[str] = []

    def entries(self, commit):
        self.asked.append(commit)
        for number in range(self.files):
            yield Entry(
                mode="100644", object_id=f"{number:040}", size=1, path=f"{commit}-{number}{self.ending}"
            )


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


def test_what_was_asked_for_longest_ago_is_forgotten(monkeypatch):
    monkeypatch.setattr(kept_trees, "MOST_COMMITS", 2)
    git, trees = Repository(), KeptTrees()
    for commit in "abacab":
        trees.files(git, avi="hr", commit=commit)
    assert git.asked == ["a", "b", "c", "b"]


@pytest.mark.parametrize(
    "git", [Repository(files=MOST_ENTRIES + 1), Repository(ending="x" * MOST_LETTERS)], ids=["files", "names"]
)
def test_a_large_commit_is_not_kept(trees, git):
    assert len(trees.files(git, avi="hr", commit="a")) == git.files
    trees.files(git, avi="hr", commit="a")
    assert git.asked == ["a", "a"]


def test_an_empty_commit_is_asked_for_once(trees):
    git = Repository(files=0)
    assert trees.files(git, avi="hr", commit="a") == trees.files(git, avi="hr", commit="a") == {}
    assert git.asked == ["a"]
