"""The catalogue: who sees what, what comes first, and what is counted as a use. On both databases."""

import pytest

from avi_kernel.protocol.releases import ReleaseSubmit
from avi_kernel.protocol.standing import ReleaseChange
from gavip_hub.domain.finding import Question
from gavip_hub.exceptions import NoRoom, NotFound
from gavip_hub.services.finding import PAGE, FindingService
from gavip_hub.services.standings import StandingService
from gavip_hub.storage import catalogue, releases
from gavip_hub.storage.builds import BUILDING
from gavip_hub.storage.repositories import Repositories
from tests.support.avis import star_counter

EVERYTHING = Question()


@pytest.fixture
def finding(desk, tmp_path):
    return FindingService(database=desk.database, repositories=Repositories(root=tmp_path), clock=desk.clock)


@pytest.fixture
def publish(desk, tmp_path):
    def published(avi, *, version="1.0", visibility="public", title="Star counter"):
        desk.clock.advance(seconds=1)
        star_counter(tmp_path / "users/dora" / avi, title=title)
        request = ReleaseSubmit(folder=avi, avi=avi, version=version, visibility=visibility)
        return desk.releases.submit(submitter="dora", request=request)

    return published


def names(finding, *, viewer="ann", question=EVERYTHING, page=1):
    return [item.name for item in finding.find(viewer=viewer, question=question, page=page).items]


def people(finding):
    [stars] = finding.find(viewer="carl", question=EVERYTHING).items
    return stars.people


def test_everybody_sees_what_is_public_and_its_people_what_is_private(finding):
    assert names(finding) == ["stars"]
    shown = {item.name: item.private for item in finding.find(viewer="dora", question=EVERYTHING).items}
    assert shown == {"stars": False, "secret": True}


def test_an_entry_tells_what_its_release_says(finding):
    [stars] = finding.find(viewer="ann", question=EVERYTHING).items
    assert (stars.title, stars.summary) == ("Star counter", "Counts stars in a cone.")
    assert (stars.authors, stars.keywords) == (["A. Astronomer"], ["stars"])
    assert (stars.version, stars.has_interface, stars.pipelines, stars.people) == ("1.0", True, 1, 0)
    assert (stars.has_picture, stars.favourite, stars.used_at) == (False, False, None)


def test_of_each_avi_one_release_is_shown_that_can_be_used(desk, finding, publish):
    publish("stars", version="2.0", title="Counter of stars")
    [shown] = finding.find(viewer="ann", question=EVERYTHING).items
    assert (shown.version, shown.title) == ("2.0", "Counter of stars")
    standings = StandingService(database=desk.database)
    for standing, version in (("deprecated", "1.0"), ("withdrawn", "1.0")):
        change = ReleaseChange(standing=standing, reason="Wrong.")
        standings.change(person="dora", avi="stars", version="2.0", change=change, operator=False)
        [shown] = finding.find(viewer="ann", question=EVERYTHING).items
        assert shown.version == version
    with desk.database.transaction() as session:
        releases.one(session, avi="stars", version="1.0").state = BUILDING
    assert names(finding) == []


def test_the_newest_public_one_is_shown_to_those_who_may_not_run_a_newer_one(finding, publish):
    publish("stars", version="2.0", visibility="private")
    assert [item.version for item in finding.find(viewer="ann", question=EVERYTHING).items] == ["1.0"]
    mine = finding.find(viewer="dora", question=Question.of("stars")).items
    assert [(item.version, item.private) for item in mine if item.name == "stars"] == [("2.0", True)]


def test_a_favourite_comes_first_until_it_is_none(finding, publish):
    publish("zebra", title="Zebra")
    assert names(finding) == ["stars", "zebra"]
    for _ in range(2):
        finding.favour(user="ann", avi="zebra", wanted=True)
    assert names(finding) == ["zebra", "stars"]
    assert names(finding, viewer="bob") == ["stars", "zebra"]
    assert [item.favourite for item in finding.find(viewer="ann", question=EVERYTHING).items] == [True, False]
    finding.favour(user="ann", avi="zebra", wanted=False)
    assert names(finding) == ["stars", "zebra"]


def test_nobody_favours_what_is_not_open_to_them(finding):
    with pytest.raises(NotFound):
        finding.favour(user="ann", avi="secret", wanted=True)
    finding.favour(user="ann", avi="secret", wanted=False)  # no longer open, and no longer wanted


def test_an_opened_interface_is_a_use_and_a_refused_one_is_none(desk, finding):
    desk.config.platform_memory_mb = 100
    with pytest.raises(NoRoom):
        desk.admit()
    assert not finding.has_used(user="ann", avi="stars")
    desk.config.platform_memory_mb = 1200
    desk.admit()
    [stars] = finding.find(viewer="ann", question=EVERYTHING).items
    assert (stars.used_at, stars.people) == (desk.clock.now(), 1)
    assert finding.has_used(user="ann", avi="stars")
    assert not finding.has_used(user="bob", avi="stars")


def test_people_are_counted_once_each(desk, finding):
    for owner in ("ann", "ann", "bob"):
        desk.admit(owner=owner)
    [stars] = finding.find(viewer="carl", question=EVERYTHING).items
    assert (stars.people, stars.used_at) == (2, None)


def test_people_are_counted_anew_when_another_comes_and_not_before(desk, finding, monkeypatch):
    desk.admit(owner="ann")
    assert people(finding) == 1
    with monkeypatch.context() as patched:
        patched.setattr(catalogue, "people", None)
        desk.admit(owner="ann")
        assert people(finding) == 1
    desk.admit(owner="bob")
    assert people(finding) == 2


def test_a_page_that_is_not_there_is_the_last_one(finding, publish):
    for number in range(PAGE):
        publish(f"avi-{number}", title=f"Number {number:02}")
    found = finding.find(viewer="ann", question=EVERYTHING, page=99)
    assert (found.total, found.page, found.pages, len(found.items)) == (PAGE + 1, 2, 2, 1)
    assert found.keywords == [("stars", PAGE + 1)]


def test_a_picture_is_given_to_who_may_run_the_release_alone(finding):
    with pytest.raises(NotFound, match="no picture"):
        finding.picture(viewer="ann", avi="stars", version="1.0")
    with pytest.raises(NotFound, match="open to you"):
        finding.picture(viewer="ann", avi="secret", version="1.0")
