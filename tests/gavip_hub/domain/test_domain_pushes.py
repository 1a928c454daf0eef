import pytest

from avi_kernel.protocol.pushes import RefUpdate
from gavip_hub.domain.pushes import MOST_UPDATES, refusals, released_version

NOTHING, ONE, OTHER = "0" * 40, "1" * 40, "2" * 40


def refused(
    name: str, *, old: str = NOTHING, new: str = ONE, released: frozenset[str] = frozenset()
) -> list[str]:
    return list(refusals([RefUpdate(old=old, new=new, name=name)], released=released))


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("refs/tags/v1.2.0", "1.2.0"),
        ("refs/tags/v1.2.0-rc.1+more", "1.2.0-rc.1+more"),
        ("refs/tags/v", None),
        ("refs/tags/very-good", None),
        ("refs/tags/1.2.0", None),
        ("refs/heads/v1.2.0", None),
        ("refs/tags/v1/2", None),
        ("refs/tags/v1" + "0" * 40, None),
    ],
)
def test_a_tag_of_a_version_is_a_release(name, version):
    assert released_version(name) == version


@pytest.mark.parametrize("name", ["refs/heads/main", "refs/heads/a/b", "refs/tags/v1.0", "refs/tags/any"])
def test_branches_and_tags_are_made_and_moved(name):
    assert refused(name) == []
    assert refused(name, old=OTHER) == []


@pytest.mark.parametrize("name", ["refs/notes/x", "HEAD", "refs/pull/1/head", "refs/headsmain"])
def test_other_names_are_not_kept(name):
    assert refused(name) == [f"{name}: only branches and tags are kept here."]


def test_the_main_branch_stays_and_others_are_deleted():
    assert "this branch stays" in refused("refs/heads/main", old=ONE, new=NOTHING)[0]
    assert refused("refs/heads/other", old=ONE, new=NOTHING) == []


@pytest.mark.parametrize("new", [OTHER, NOTHING])
def test_a_released_tag_neither_moves_nor_goes(new):
    known = frozenset({"1.0"})
    assert "never changes" in refused("refs/tags/v1.0", old=ONE, new=new, released=known)[0]
    assert refused("refs/tags/v1.1", old=ONE, new=new, released=known) == []


def test_a_push_of_very_many_names_is_refused_in_one_line():
    updates = [RefUpdate(old=NOTHING, new=ONE, name="refs/notes/x")] * (MOST_UPDATES + 1)
    assert list(refusals(updates, released=())) == [
        "This push changes 2,001 names; 2,000 at once are taken: push them in parts."
    ]


@pytest.mark.parametrize(
    ("name", "old"),
    [("refs/tags/v1.0.0", ONE), ("refs/tags/1.0.0", NOTHING), ("refs/tags/0.9.0", ONE)],
    ids=["moved", "the same version by another name", "moved, and of a version before"],
)
def test_a_version_of_a_template_never_changes(name, old):
    update = RefUpdate(old=old, new=OTHER, name=name)
    [said] = refusals([update], released=(), offered={"1.0.0"})
    assert said.endswith("AVIs were made of it: tag a new version.")
    assert list(refusals([update], released=())) == []


def test_a_template_gets_new_versions():
    update = RefUpdate(old=NOTHING, new=ONE, name="refs/tags/v1.1.0")
    assert list(refusals([update], released=(), offered={"1.0.0"})) == []
