"""A deprecated release still runs; a withdrawn one starts nothing new, and what ran stays."""

import pytest
from pydantic import ValidationError

from avi_kernel.protocol.releases import ReleaseSubmit
from avi_kernel.protocol.standing import ReleaseChange
from gavip_hub.exceptions import Forbidden, NotFound, NotReady, Withdrawn
from gavip_hub.services.avi_pages import AviPageService
from gavip_hub.services.standings import StandingService
from gavip_hub.storage import releases
from gavip_hub.storage.builds import BUILDING, FAILED

WHY = "Its distances are wrong."


@pytest.fixture
def standings(desk):
    desk.clock.advance(seconds=1)
    request = ReleaseSubmit(folder="stars", avi="stars", version="2.0", visibility="public")
    desk.releases.submit(submitter="dora", request=request)
    return StandingService(database=desk.database)


@pytest.fixture
def stand(standings):
    def change(version, standing, *, person="dora", operator=False, avi="stars"):
        wanted = ReleaseChange(standing=standing, reason=WHY)
        return standings.change(person=person, avi=avi, version=version, change=wanted, operator=operator)

    return change


def catalogue(desk, viewer="ann"):
    return AviPageService(database=desk.database, config=desk.config).every(viewer=viewer)


def default(desk, viewer="ann"):
    return desk.releases.get(viewer=viewer, avi="stars").version


def test_what_is_deprecated_is_not_taken_by_default_and_still_opens(desk, stand):
    assert default(desk) == "2.0"
    view = stand("2.0", "deprecated")
    assert (view.standing, view.standing_reason) == ("deprecated", WHY)
    assert default(desk) == "1.0"
    assert desk.releases.usable(viewer="ann", avi="stars", version="2.0").version == "2.0"
    assert desk.admit(options={"release": "stars/2.0"}).spec.version == "2.0"


def test_where_all_are_deprecated_the_newest_is_taken_and_the_catalogue_says_why(desk, stand):
    for version in ("1.0", "2.0"):
        stand(version, "deprecated")
    [shown] = catalogue(desk)
    assert (shown.latest, shown.standing, shown.standing_reason) == ("2.0", "deprecated", WHY)


def test_a_withdrawn_release_opens_no_more_and_says_what_to_use_instead(desk, stand):
    stand("2.0", "withdrawn")
    words = "stars 2.0 was withdrawn by its authors: Its distances are wrong. Use version 1.0."
    for act in (
        lambda: desk.releases.usable(viewer="ann", avi="stars", version="2.0"),
        lambda: desk.servers.wish_for(owner="ann", groups=[], avi="stars", version="2.0"),
        lambda: desk.admit(options={"release": "stars/2.0"}),
    ):
        with pytest.raises(Withdrawn, match=words):
            act()
    assert desk.used() == 0
    assert desk.admit().spec.version == "1.0"


def test_what_is_open_goes_on_when_its_release_is_withdrawn(desk, stand):
    desk.open()
    stand("1.0", "withdrawn")
    assert [server.state for server in desk.servers.of(owner="ann")] == ["ready"]


def test_an_avi_that_is_withdrawn_altogether_is_not_in_the_catalogue(desk, stand):
    for version in ("1.0", "2.0"):
        stand(version, "withdrawn")
    assert catalogue(desk) == []
    with pytest.raises(Withdrawn, match=r"No other version of it is open to you\."):
        desk.releases.usable(viewer="ann", avi="stars")
    shown = desk.releases.avi(viewer="ann", name="stars")
    assert (shown.latest, shown.standing) == (None, "withdrawn")


def test_what_is_still_being_built_is_waited_for_rather_than_what_was_withdrawn(desk, stand):
    stand("1.0", "withdrawn")
    with desk.database.transaction() as session:
        releases.one(session, avi="stars", version="2.0").state = BUILDING
    with pytest.raises(NotReady):
        desk.releases.usable(viewer="ann", avi="stars")
    with pytest.raises(Withdrawn, match="No other version"):
        desk.releases.usable(viewer="ann", avi="stars", version="1.0")


def test_its_own_page_can_still_be_read(desk, stand):
    stand("1.0", "withdrawn")
    assert desk.releases.get(viewer="ann", avi="stars", version="1.0").standing_reason == WHY
    assert [view.standing for view in desk.releases.versions(viewer="ann", avi="stars")] == [
        "offered",
        "withdrawn",
    ]


def test_what_is_private_is_not_told_of_as_withdrawn(desk, stand):
    stand("1.0", "withdrawn", avi="secret")
    for act in (desk.releases.get, desk.releases.usable):
        with pytest.raises(NotFound):
            act(viewer="ann", avi="secret", version="1.0")


def test_an_author_takes_the_own_withdrawal_back(desk, stand):
    stand("2.0", "withdrawn")
    view = stand("2.0", "offered")
    assert (view.standing, view.standing_reason, default(desk)) == ("offered", "", "2.0")


def test_an_operators_withdrawal_is_an_operators_to_take_back(desk, stand):
    assert stand("2.0", "withdrawn", person="olga", operator=True).withdrawn_by_operator
    with pytest.raises(Withdrawn, match="by an operator of this platform"):
        desk.releases.usable(viewer="dora", avi="stars", version="2.0")
    for standing in ("offered", "deprecated", "withdrawn"):
        with pytest.raises(Forbidden, match=r"An operator withdrew stars 2\.0"):
            stand("2.0", standing)
    assert not stand("2.0", "offered", person="olga", operator=True).withdrawn_by_operator
    assert default(desk) == "2.0"


def test_an_operator_offers_nothing_of_others_and_sees_nothing_private(stand):
    with pytest.raises(NotFound):
        stand("1.0", "withdrawn", avi="secret", person="olga", operator=True)
    stand("2.0", "withdrawn")
    for standing in ("offered", "deprecated"):
        with pytest.raises(Forbidden, match="its authors alone"):
            stand("2.0", standing, person="olga", operator=True)


def test_what_was_made_private_after_an_operator_withdrew_it_can_be_given_back(desk, stand):
    stand("2.0", "withdrawn", person="olga", operator=True)
    desk.releases.change(owner="dora", avi="stars", version="2.0", visibility="private")
    assert stand("2.0", "offered", person="olga", operator=True).standing == "offered"


def test_nobody_else_changes_it(stand):
    with pytest.raises(Forbidden, match="who may write it decides"):
        stand("1.0", "withdrawn", person="ann")
    with pytest.raises(NotFound):
        stand("1.0", "withdrawn", avi="secret", person="ann")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, "give a visibility"),
        ({"visibility": "public", "standing": "offered"}, "give a visibility"),
        ({"standing": "withdrawn"}, "give the reason"),
        ({"standing": "deprecated", "reason": " \t"}, "give the reason"),
        ({"standing": "withdrawn", "reason": "x" * 301}, "at most 300"),
    ],
)
def test_a_change_is_one_and_has_a_reason(change, words):
    with pytest.raises(ValidationError, match=words):
        ReleaseChange.model_validate(change)


def test_a_reason_is_one_line_that_can_be_shown():
    change = ReleaseChange(standing="withdrawn", reason="It is\x1b[31m\n wrong.\u202e ")
    assert change.reason == "It is [31m wrong."


@pytest.fixture
def failed(desk, standings):
    """A public release whose packages could not be fetched."""
    with desk.database.transaction() as session:
        found = releases.one(session, avi="stars", version="2.0")
        found.state, found.build, found.reason = FAILED, "j1", "secretword 1.0 is not in the index."
        found.earlier_builds = ["j0"]


def test_others_are_told_that_it_failed_and_not_what_was_found(desk, failed):
    own = desk.releases.get(viewer="dora", avi="stars", version="2.0")
    assert (own.build, own.earlier_builds, "secretword" in own.reason) == ("j1", ["j0"], True)
    for seen in (
        desk.releases.get(viewer="ann", avi="stars", version="2.0"),
        desk.releases.versions(viewer="ann", avi="stars")[0],
    ):
        assert (seen.state, seen.build, seen.earlier_builds, seen.reason) == ("FAILED", None, [], "")


def test_who_would_use_it_is_told_plainly(desk, failed):
    with pytest.raises(NotReady, match="could not be fetched: use another version") as told:
        desk.releases.usable(viewer="ann", avi="stars", version="2.0")
    assert "secretword" not in str(told.value)
    with pytest.raises(NotReady, match="secretword"):
        desk.releases.usable(viewer="dora", avi="stars", version="2.0")
