"""Who may read and write an AVI's repository."""

import pytest

from avi_kernel.protocol.projects import MemberView
from gavip_hub.config import load_config
from gavip_hub.core import make_core
from gavip_hub.exceptions import BadRequest, Conflict, Forbidden, NoRoom, NotFound
from gavip_hub.storage import migrate


@pytest.fixture
def projects(tmp_path):
    config = load_config(tmp_path, port=8000, bundled_avis=False)
    migrate.upgrade(config.database_url)
    core = make_core(config, connections=2)
    yield core.projects
    core.database.close()


@pytest.fixture
def stars(projects):
    return projects.create(owner="dora", name="stars")


def member(user: str, may: str) -> MemberView:
    return MemberView(user=user, may=may)


def may_read(projects, viewer: str | None) -> bool:
    try:
        projects.require_readable(viewer=viewer, name="stars")
    except NotFound:
        return False
    return True


def test_a_project_is_its_owners_and_nobody_elses(projects, stars):
    assert (stars.owner, stars.may, stars.source) == ("dora", "own", "private")
    assert stars.git_url == "http://gavip.localhost:8000/services/gavip/git/stars.git"
    assert [may_read(projects, viewer) for viewer in ("dora", "ann", None)] == [True, False, False]


def test_it_is_made_once(projects, stars):
    assert projects.create(owner="dora", name="stars") == stars
    with pytest.raises(Conflict, match="not yours"):
        projects.create(owner="ann", name="stars")


@pytest.mark.parametrize("name", ["S", "../up", "notebook", "a" * 21, "trailing-", ""])
def test_an_odd_name_is_refused(projects, name):
    with pytest.raises(BadRequest):
        projects.create(owner="dora", name=name)


def test_a_reader_reads_and_a_writer_writes(projects, stars):
    projects.share(owner="dora", name="stars", member=member("ann", "read"))
    projects.share(owner="dora", name="stars", member=member("bob", "write"))
    assert may_read(projects, "ann")
    assert projects.is_made(user="bob", name="stars")
    with pytest.raises(Forbidden, match="ask dora"):
        projects.is_made(user="ann", name="stars")
    assert projects.get(viewer="ann", name="stars").may == "read"
    assert [one.name for one in projects.of(viewer="bob")] == ["stars"]


def test_a_member_is_withdrawn_once(projects, stars):
    projects.share(owner="dora", name="stars", member=member("ann", "read"))
    assert projects.unshare(owner="dora", name="stars", user="ann").members == []
    assert not may_read(projects, "ann")
    with pytest.raises(NotFound, match="no member"):
        projects.unshare(owner="dora", name="stars", user="ann")


def test_its_owner_alone_changes_its_people(projects, stars):
    projects.share(owner="dora", name="stars", member=member("bob", "write"))
    for act in (
        lambda: projects.share(owner="bob", name="stars", member=member("eve", "write")),
        lambda: projects.unshare(owner="bob", name="stars", user="bob"),
        lambda: projects.change(owner="bob", name="stars", source="public"),
    ):
        with pytest.raises(Forbidden, match="its owner alone"):
            act()
    with pytest.raises(Conflict, match="owns stars already"):
        projects.share(owner="dora", name="stars", member=member("dora", "read"))


def test_a_public_one_is_read_by_everybody_who_is_not_told_its_people(projects, stars):
    projects.share(owner="dora", name="stars", member=member("bob", "write"))
    projects.change(owner="dora", name="stars", source="public")
    assert may_read(projects, None)
    assert projects.get(viewer="ann", name="stars").members == []
    projects.change(owner="dora", name="stars", source="private")
    assert not may_read(projects, None)


def test_who_may_not_read_it_is_told_that_there_is_none(projects, stars):
    for act in (
        lambda: projects.get(viewer="ann", name="stars"),
        lambda: projects.is_made(user="ann", name="stars"),
        lambda: projects.change(owner="ann", name="stars", source="public"),
    ):
        with pytest.raises(NotFound, match="open to you"):
            act()


def test_a_name_is_the_hubs_whatever_its_case(projects, stars):
    shared = projects.share(owner="dora", name="stars", member=member(" Ann ", "read"))
    assert [one.user for one in shared.members] == ["ann"]


def test_nobody_fills_the_platform_with_projects(projects, monkeypatch):
    monkeypatch.setattr("gavip_hub.services.projects.MOST_PROJECTS", 2)
    for name in ("one", "two"):
        projects.create(owner="dora", name=name)
    with pytest.raises(NoRoom, match="ask your operator"):
        projects.create(owner="dora", name="three")
    assert projects.create(owner="ann", name="three").owner == "ann"
