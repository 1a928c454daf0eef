"""Which folders of a user-space can be granted to an AVI."""

import pytest

from gavip_hub.domain.grants import MOST, checked_folder, with_one_more
from gavip_hub.exceptions import BadParameter, Conflict


@pytest.mark.parametrize(
    ("text", "folder"),
    [("data/maps", "data/maps"), (" data/maps/ ", "data/maps"), ("./data", "data"), ("avis/cu", "avis/cu")],
)
def test_a_folder_has_one_spelling(text, folder):
    assert checked_folder(text, avi="hr") == folder


@pytest.mark.parametrize("text", ["", "/", ".", "  "])
def test_the_whole_space_is_not_granted(text):
    with pytest.raises(BadParameter, match="not all of it"):
        checked_folder(text, avi="hr")


@pytest.mark.parametrize(
    "text", [".jupyter", "data/.git", "..", "data/../..", "~ann", "a//b", "a\nb", "a/" * 7, "x" * 61, "a\0"]
)
def test_hidden_folders_and_ways_out_are_not_granted(text):
    with pytest.raises(BadParameter, match="plain names"):
        checked_folder(text, avi="hr")


@pytest.mark.parametrize("text", ["jobs", "jobs/j1", "shared", "shared/everyone"])
def test_what_the_platform_keeps_is_not_granted(text):
    with pytest.raises(BadParameter, match="not yours to grant"):
        checked_folder(text, avi="hr")


@pytest.mark.parametrize("text", ["avis", "avis/hr", "avis/hr/deep"])
def test_its_own_folder_needs_no_grant_and_not_all_avis_are_granted_at_once(text):
    with pytest.raises(BadParameter, match="in any case"):
        checked_folder(text, avi="hr")


def test_a_folder_takes_the_place_of_those_in_it():
    assert with_one_more(["data/a", "data/b", "notes"], "data") == ["data", "notes"]


@pytest.mark.parametrize("folder", ["data", "data/a"])
def test_what_is_granted_already_is_said(folder):
    with pytest.raises(Conflict, match="data is granted already"):
        with_one_more(["data"], folder)


def test_names_that_only_begin_alike_are_two():
    assert with_one_more(["data"], "data2") == ["data", "data2"]


def test_there_are_bounds():
    with pytest.raises(Conflict, match="withdraw one first"):
        with_one_more([f"f{number}" for number in range(MOST)], "more")
