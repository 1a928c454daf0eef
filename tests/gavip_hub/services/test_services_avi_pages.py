"""AVIs as their pages and the list of all show them: in few questions, and never to who may not see them. On both databases."""

import pytest

from avi_kernel.protocol.releases import ReleaseSubmit
from gavip_hub.domain.finding import Question
from gavip_hub.exceptions import NotFound
from gavip_hub.services.avi_pages import AviPageService
from gavip_hub.services.finding import FindingService
from gavip_hub.services.kept_releases import KeptReleases
from gavip_hub.services.projects import ProjectService
from gavip_hub.storage import catalogue
from gavip_hub.storage.repositories import Repositories
from tests.support.avis import star_counter
from tests.support.statements import statements, statements_of


@pytest.fixture
def pages(desk):
    return AviPageService(database=desk.database, config=desk.config)


@pytest.fixture
def finding(desk, tmp_path):
    return FindingService(database=desk.database, repositories=Repositories(root=tmp_path), clock=desk.clock)


@pytest.fixture
def publish(desk, tmp_path):
    def published(avi, version="1.0", *, visibility="public", title="Star counter"):
        desk.clock.advance(seconds=1)
        star_counter(tmp_path / "users/dora" / avi, title=title)
        request = ReleaseSubmit(folder=avi, avi=avi, version=version, visibility=visibility)
        return desk.releases.submit(submitter="dora", request=request)

    return published


def asked(desk, ask):
    """Return how many statements are made beside the beginnings of transactions."""
    with statements(desk.database) as made:
        ask()
    return len([one for one in made if not one.startswith("BEGIN")])


def shown(finding, viewer):
    return [(one.name, one.version) for one in finding.find(viewer=viewer, question=Question()).items]


def listed(pages, viewer):
    return [(one.name, one.latest) for one in pages.every(viewer=viewer)]


def test_the_list_tells_of_each_avi_what_the_avi_itself_does(desk, pages):
    for viewer in ("ann", "dora"):
        for _ in range(2):  # read, and kept
            assert pages.every(viewer=viewer) == [
                desk.releases.avi(viewer=viewer, name=view.name) for view in pages.every(viewer=viewer)
            ]
    assert [view.name for view in pages.every(viewer="ann")] == ["stars"]


def test_what_others_saw_is_shown_to_nobody_whom_it_is_closed_to(desk, pages, finding, publish):
    publish("stars", "2.0", title="A newer counter")
    for viewer in ("dora", "ann"):
        assert ("stars", "2.0") in shown(finding, viewer)
        assert ("stars", "2.0") in listed(pages, viewer)
    desk.releases.change(owner="dora", avi="stars", version="2.0", visibility="private")
    assert shown(finding, "ann") == listed(pages, "ann") == [("stars", "1.0")]
    assert finding.find(viewer="ann", question=Question.of("newer")).total == 0
    desk.releases.change(owner="dora", avi="stars", version="1.0", visibility="private")
    assert shown(finding, "ann") == listed(pages, "ann") == []
    assert ("stars", "2.0") in listed(pages, "dora")


def test_the_page_of_an_avi_shows_what_its_viewer_may_see(desk, pages, publish):
    publish("stars", "2.0", visibility="private")
    desk.grants.give(owner="ann", avi="stars", folder="data/maps")
    seen = pages.of(viewer="ann", name="stars")
    assert (seen.avi.latest, seen.release.version) == ("1.0", "1.0")
    assert [one.version for one in seen.versions] == ["1.0"]
    assert (seen.grants.folders, seen.has_project) == (["data/maps"], False)
    mine = pages.of(viewer="dora", name="stars", version="1.0")
    assert (mine.avi.latest, mine.release.version, mine.has_project) == ("2.0", "1.0", True)
    assert [one.version for one in mine.versions] == ["2.0", "1.0"]
    for viewer, name, version in (("ann", "secret", None), ("ann", "stars", "2.0"), ("dora", "stars", "9")):
        with pytest.raises(NotFound):
            pages.of(viewer=viewer, name=name, version=version)


def test_pages_ask_the_same_few_questions_however_much_there_is(desk, pages, finding, publish, tmp_path):
    common = {"database": desk.database, "config": desk.config, "clock": desk.clock}
    projects = ProjectService(repositories=Repositories(root=tmp_path), **common)
    asks = {
        "page": lambda: pages.of(viewer="ann", name="stars"),
        "list": lambda: pages.every(viewer="dora"),
        "catalogue": lambda: finding.find(viewer="dora", question=Question()),
        "projects": lambda: projects.of(viewer="dora"),
    }
    for ask in asks.values():
        ask()
    before = {name: asked(desk, ask) for name, ask in asks.items()}
    for number in range(3):
        publish("stars", f"3.{number}")
        publish(f"more-{number}")
    for name in ("list", "catalogue"):
        asks[name]()  # reads what is new
    assert {name: asked(desk, ask) for name, ask in asks.items()} == before
    assert max(before.values()) <= 9
    assert before["page"] <= 7
    assert before["catalogue"] == 5


def test_a_list_is_told_in_one_row_however_long_it_is(desk, publish):
    for number in range(3):
        publish(f"more-{number}")
    with desk.database.reading() as session:
        catalogue.note_use(session, user="ann", avi="more-1", at=desk.clock.now())
        asked_for = statements_of(
            session, lambda one: (catalogue.open_to(one, viewer="ann"), catalogue.people(one))
        )
        told = [len(session.connection().exec_driver_sql(*one).all()) for one in asked_for]
    assert told == [1, 1]


def test_what_is_kept_is_read_once_and_does_not_grow_for_ever(desk):
    read = []

    def reading(_session, wanted):
        read.append(list(wanted))
        return [(one, one.upper()) for one in wanted if one != "gone"]

    kept = KeptReleases(reading, most=3)
    assert kept.of(None, ["b", "a", "gone"]) == ["B", "A"]
    assert kept.of(None, ["a", "b"]) == ["A", "B"]
    assert kept.of(None, ["a", "c", "d"]) == ["A", "C", "D"]  # one more than is kept: b goes
    assert kept.of(None, ["b"]) == ["B"]
    assert read == [["b", "a", "gone"], ["c", "d"], ["b"]]
