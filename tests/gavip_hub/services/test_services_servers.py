import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import event

from avi_kernel.protocol.api import ReleaseSubmit
from gavip_hub.config import Gavip
from gavip_hub.domain.container import Kind
from gavip_hub.exceptions import BadRequest, Conflict, NoRoom, NotFound, Unavailable
from gavip_hub.hub.client import HubServer
from gavip_hub.services.events import EventService
from gavip_hub.services.opening import OpeningService
from gavip_hub.services.past import PastRuns
from gavip_hub.services.promises import HOLDS_UP_FOR, STILL_THERE, promises
from gavip_hub.services.quotas import QuotaService
from gavip_hub.services.releases import ReleaseService
from gavip_hub.services.reservations import HELD_FOR, PATIENCE, ReservationService
from gavip_hub.services.servers import ServerService
from gavip_hub.storage import migrate
from gavip_hub.storage.database import Database
from gavip_hub.storage.disk import DiskSpace
from gavip_hub.storage.repositories import Repositories
from gavip_hub.storage.userspace import UserSpaces
from gavip_hub.testing import EPOCH, ManualClock
from tests.support.avis import star_counter
from tests.support.statements import statements

STARS = {"release": "stars/1.0"}


class Desk:
    """The services around the ledger of servers, and two releases."""

    def __init__(self, url, root):
        migrate.upgrade(url)
        self.clock = ManualClock()
        self.database = Database(url=url)
        self.config = Gavip(
            data_root=str(root),
            platform_memory_mb=1200,
            platform_cpu=8.0,
            archive_url="https://archive.test/tap",
        )
        self.quotas = QuotaService(database=self.database, config=self.config)
        common = {"database": self.database, "config": self.config, "clock": self.clock}
        self.releases = ReleaseService(repositories=Repositories(root=root), **common)
        self.servers = ServerService(
            quotas=self.quotas,
            releases=self.releases,
            spaces=UserSpaces(root=root),
            disk=DiskSpace(root=root, reserve_mb=0),
            **common,
        )
        self.reservations = ReservationService(
            database=self.database,
            quotas=self.quotas,
            servers=self.servers,
            past_runs=PastRuns(database=self.database, clock=self.clock),
            clock=self.clock,
            held=lambda: self.short,
        )
        self.short = ""
        """Why nothing may start."""
        self.events = EventService(database=self.database)
        for avi, visibility in (("stars", "public"), ("secret", "private")):
            star_counter(root / "users/dora" / avi)
            request = ReleaseSubmit(folder=avi, avi=avi, version="1.0", visibility=visibility)
            self.releases.submit(submitter="dora", request=request)

    def admit(self, owner="ann", name="stars", options=STARS):
        return self.servers.admit(owner=owner, groups=[], server_name=name, user_options=options)

    def used(self):
        return self.quotas.platform_pool().memory_used_mb

    def wish(self, owner="ann"):
        return self.servers.wish_for(owner=owner, groups=[], avi="stars")

    def told(self, owner="ann"):
        return [event.data["state"] for event in self.events.events_since(owner=owner, after=0)]


@pytest.fixture
def desk(database_url, tmp_path):
    made = Desk(database_url, tmp_path)
    yield made
    made.database.close()


def test_an_admission_describes_the_whole_container(desk, tmp_path):
    spec = desk.admit().spec
    assert (spec.kind, spec.owner, spec.avi, spec.version) == (Kind.INTERFACE, "ann", "stars", "1.0")
    assert spec.resources.memory_mb == 512
    assert spec.allowed_hosts == ("archive.test:443",)
    assert spec.env["GAVIP_ARCHIVE_URL"] == "https://archive.test/tap"
    writable = [mount.source for mount in spec.mounts if mount.writable]
    assert writable == [str(tmp_path / "users/ann/avis/stars")]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"release": "stars/1.0", "image": "evil"},
        {"release": "stars/1.0", "memory_mb": 1},
        {"release": ["stars", "1.0"]},
        {"release": {"avi": "stars"}},
        {"release": "stars"},
        {"release": "stars/1.0/x"},
        {"release": None},
        {"notebook": "default"},
        {"release": "secret/1.0"},
        {"release": "stars/../../etc"},
    ],
)
def test_options_that_name_anything_but_this_servers_release_are_refused(desk, options):
    with pytest.raises(BadRequest):
        desk.admit(options=options)
    assert desk.used() == 0


@pytest.mark.parametrize("release", ["stars/9", "stars/", "stars/1.0\n", "stars/' OR 1=1 --"])
def test_a_release_that_is_not_there_is_refused(desk, release):
    with pytest.raises(NotFound):
        desk.admit(options={"release": release})


def test_a_server_of_another_avis_name_is_refused(desk):
    with pytest.raises(BadRequest, match="is named stars"):
        desk.admit(name="galaxies")


def test_somebody_elses_private_release_is_refused(desk):
    with pytest.raises(NotFound):
        desk.admit(name="secret", options={"release": "secret/1.0"})
    assert desk.admit(owner="dora", name="secret", options={"release": "secret/1.0"})


@pytest.mark.parametrize("options", [{"notebook": "huge"}, {"image": "x"}, STARS, {"notebook": ["default"]}])
def test_a_notebook_server_is_one_of_the_operators_templates(desk, options):
    with pytest.raises(BadRequest):
        desk.admit(name="", options=options)


@pytest.mark.parametrize("options", [{}, {"notebook": "default"}])
def test_a_notebook_server_writes_in_its_users_space(desk, options, tmp_path):
    spec = desk.admit(name="", options=options).spec
    assert spec.kind is Kind.NOTEBOOK
    assert [mount.source for mount in spec.mounts if mount.writable] == [str(tmp_path / "users/ann")]


def test_a_refusal_for_a_users_own_folders_leaves_no_row(desk, tmp_path):
    desk.servers.close(desk.admit().ledger_id)
    (tmp_path / "users/ann/avis/stars").rmdir()
    (tmp_path / "users/ann/avis/stars").symlink_to("/etc")
    with pytest.raises(Unavailable):
        desk.admit()
    assert desk.used() == 0


def test_what_does_not_fit_is_refused_with_the_numbers(desk):
    desk.admit(owner="ann")
    desk.admit(owner="bob")
    with pytest.raises(NoRoom, match=r"2 open servers hold 1 of the platform's 1\.2 GB"):
        desk.admit(owner="carl")
    assert desk.used() == 1024


def test_a_server_that_ended_by_itself_says_why(desk):
    desk.servers.close(desk.admit(owner="ann").ledger_id, reason="It ran out of memory.")
    last = desk.events.events_since(owner="ann", after=0)[-1]
    assert (last.data["state"], last.data["reason"]) == ("failed", "It ran out of memory.")


def test_closing_is_by_id_and_may_be_repeated(desk):
    first, second = desk.admit(owner="ann"), desk.admit(owner="bob")
    desk.servers.close(first.ledger_id)
    desk.servers.close(first.ledger_id)
    desk.servers.close("none")
    assert [view.name for view in desk.servers.of(owner="bob")] == ["stars"]
    assert desk.used() == 512
    assert second.ledger_id in desk.servers.open_ids()


def test_a_row_that_a_crash_left_is_closed_by_the_next_start(desk):
    desk.admit()
    desk.admit()
    assert desk.used() == 512


def test_reconciling_closes_what_two_lists_miss_and_leaves_what_is_new(desk):
    old = desk.admit(owner="ann")
    desk.clock.advance(600)
    desk.admit(owner="bob")
    since = desk.clock.now() - timedelta(seconds=120)
    missed = desk.servers.reconcile({}, since=since)
    assert missed == {old.ledger_id} <= desk.servers.open_ids()
    assert desk.servers.reconcile({}, since=since, missed=missed) == set()
    assert old.ledger_id not in desk.servers.open_ids()
    assert [view.state for view in desk.servers.of(owner="bob")] == ["starting"]
    desk.servers.reconcile({("bob", "stars"): True}, since=desk.clock.now())
    assert [view.state for view in desk.servers.of(owner="bob")] == ["ready"]


def test_reconciling_closes_what_is_lost_in_one_act(desk):
    for owner in ("bob", "ann"):
        desk.admit(owner=owner)
        desk.clock.advance(600)
    missed = desk.servers.reconcile({}, since=desk.clock.now())
    with statements(desk.database) as made:
        desk.servers.reconcile({}, since=desk.clock.now(), missed=missed)
    assert desk.used() == 0
    assert sum(statement.startswith("UPDATE spending") for statement in made) == 1


async def test_a_server_that_slips_between_two_pages_of_the_hubs_list_stays(desk):
    row = desk.admit(owner="ann").ledger_id
    desk.clock.advance(600)
    opening = OpeningService(
        servers=desk.servers, reservations=desk.reservations, hub=None, in_thread=asyncio.to_thread
    )
    for known in ([], [listed("ann")], [], [listed("ann")]):
        await opening.reconcile(known, since=desk.clock.now())
    assert row in desk.servers.open_ids()
    for known in ([], []):
        await opening.reconcile(known, since=desk.clock.now())
    assert row not in desk.servers.open_ids()


def listed(owner):
    return HubServer(owner=owner, name="stars", ready=True, pending=None, started=None, last_activity=None)


def test_a_reservation_holds_nothing_until_it_fits_and_then_all(desk):
    first = desk.admit(owner="ann")
    desk.admit(owner="bob")
    assert desk.reservations.wait_if_full(desk.wish("carl")).state == "waiting"
    assert desk.used() == 1024
    desk.servers.close(first.ledger_id)
    desk.reservations.tend()
    assert desk.used() == 1024
    with pytest.raises(NoRoom):
        desk.admit(owner="ann")
    desk.admit(owner="carl")
    assert desk.used() == 1024
    assert desk.told("carl") == ["waiting", "room", "starting"]


def test_who_waits_longest_comes_first(desk):
    first = desk.admit(owner="ann")
    desk.admit(owner="bob")
    desk.reservations.wait_if_full(desk.wish("carl"))
    desk.clock.advance(1)
    desk.reservations.wait_if_full(desk.wish("dan"))
    desk.servers.close(first.ledger_id)
    desk.reservations.tend()
    assert desk.told("carl") == ["waiting", "room"]
    assert desk.reservations.why(owner="dan", name="stars").ahead == 0
    assert "room" not in desk.told("dan")


def test_room_that_nobody_takes_is_given_back(desk):
    first = desk.admit(owner="ann")
    desk.admit(owner="bob")
    desk.reservations.wait_if_full(desk.wish("carl"))
    desk.servers.close(first.ledger_id)
    desk.reservations.tend()
    desk.clock.advance(HELD_FOR.seconds + 1)
    desk.reservations.tend()
    assert desk.used() == 512
    assert desk.servers.of(owner="carl") == []


def test_while_the_disk_is_short_nobody_is_given_room_or_loses_it(desk):
    first, second = desk.admit(owner="ann"), desk.admit(owner="bob")
    desk.reservations.wait_if_full(desk.wish("carl"))
    desk.clock.advance(1)
    desk.reservations.wait_if_full(desk.wish("dan"))
    desk.servers.close(first.ledger_id)
    desk.reservations.tend()
    desk.short = "the disk is full"
    desk.servers.close(second.ledger_id)
    desk.clock.advance(PATIENCE.seconds + 1)
    desk.reservations.tend()
    assert (desk.told("carl"), desk.told("dan")) == (["waiting", "room"], ["waiting", "waiting"])
    for owner in ("carl", "dan"):
        assert desk.reservations.wait_if_full(desk.wish(owner)).reason == "It waits: the disk is full."
        assert desk.reservations.why(owner=owner, name="stars").reason == "waits: the disk is full"


def test_who_could_not_come_has_the_room_once_the_disk_has_some_again(desk):
    first = desk.admit(owner="ann")
    desk.admit(owner="bob")
    desk.reservations.wait_if_full(desk.wish("carl"))
    desk.servers.close(first.ledger_id)
    desk.reservations.tend()
    desk.short = "the disk is full"
    desk.clock.advance(HELD_FOR.seconds + 1)
    desk.reservations.tend()
    desk.short = ""
    desk.reservations.tend()
    assert desk.reservations.wait_if_full(desk.wish("carl")) is None
    desk.clock.advance(HELD_FOR.seconds + 1)
    desk.reservations.tend()
    assert desk.servers.of(owner="carl") == []


def test_a_tab_that_was_closed_does_not_wait_for_ever(desk):
    desk.admit(owner="ann")
    desk.admit(owner="bob")
    desk.reservations.wait_if_full(desk.wish("carl"))
    desk.clock.advance(PATIENCE.seconds + 1)
    desk.reservations.tend()
    assert desk.servers.of(owner="carl") == []


def test_a_page_that_keeps_asking_keeps_its_place(desk):
    desk.admit(owner="ann")
    desk.admit(owner="bob")
    for _ in range(3):
        desk.reservations.wait_if_full(desk.wish("carl"))
        desk.clock.advance(PATIENCE.seconds - 1)
        desk.reservations.tend()
    assert [view.state for view in desk.servers.of(owner="carl")] == ["waiting"]


def big(desk, owner="carl"):
    """Take a place for the whole platform."""
    return desk.reservations.wait_if_full(replace(desk.wish(owner), memory_mb=1200))


def test_who_comes_later_takes_nothing_that_somebody_waits_for(desk):
    first = desk.admit(owner="ann")
    assert big(desk).state == "waiting"
    desk.clock.advance(1)
    place = desk.reservations.wait_if_full(desk.wish("dan"))
    assert place.reason == (
        "It waits for its turn: those ahead of it need the room first; 1 interface ahead of it."
    )
    with pytest.raises(NoRoom, match="kept for those who wait"):
        desk.admit(owner="eve")
    desk.servers.close(first.ledger_id)
    desk.reservations.tend()
    assert desk.told("carl") == ["waiting", "room"]
    assert "room" not in desk.told("dan")


def test_what_is_promised_is_read_at_once_however_many_wait(desk):
    desk.admit(owner="ann")
    for number in range(5):
        big(desk, f"user{number}")
    asked = []
    with desk.database.reading() as session:
        connection = session.connection()
        event.listen(connection, "before_cursor_execute", lambda *told: asked.append(told[2]))
        ahead = promises(session, desk.quotas, at=desk.clock.now())
    assert (ahead.promised.memory_mb, len(asked)) == (5 * 1200, 2)


def test_who_came_first_is_not_held_up_by_who_came_later(desk):
    first = desk.admit(owner="ann")
    desk.admit(owner="bob")
    desk.reservations.wait_if_full(desk.wish("carl"))
    desk.clock.advance(1)
    big(desk, "dan")
    desk.servers.close(first.ledger_id)
    assert desk.reservations.wait_if_full(desk.wish("carl")) is None
    assert desk.admit(owner="carl")


def test_who_waits_for_too_long_holds_up_nobody_and_keeps_the_place(desk):
    first = desk.admit(owner="ann")
    while desk.clock.now() - EPOCH <= HOLDS_UP_FOR:
        big(desk)
        desk.clock.advance(60)
    second = desk.admit(owner="dan")
    for one in (first, second):
        desk.servers.close(one.ledger_id)
    desk.reservations.tend()
    assert desk.told("carl") == ["waiting", "room"]


def test_a_page_that_was_closed_holds_up_nobody(desk):
    desk.admit(owner="ann")
    big(desk)
    desk.clock.advance(STILL_THERE.seconds + 1)
    assert desk.admit(owner="dan")


def test_what_has_become_too_large_for_the_platform_holds_up_nobody(desk):
    desk.admit(owner="ann")
    big(desk)
    desk.config.platform_memory_mb = 1100
    assert desk.admit(owner="dan")


def test_who_is_held_back_by_their_own_pool_holds_up_nobody(desk):
    desk.config.quota = {"memory_mb": 600, "cpu": 4.0}
    desk.admit(owner="ann")
    assert desk.reservations.wait_if_full(replace(desk.wish("ann"), ref="other")).state == "waiting"
    assert desk.admit(owner="bob")


def test_why_an_interface_waits_is_told_in_numbers(desk):
    desk.admit(owner="ann")
    desk.admit(owner="bob")
    desk.reservations.wait_if_full(desk.wish("carl"))
    found = desk.reservations.why(owner="carl", name="stars")
    assert found.reason == (
        "waits for 512 MB of memory: 2 open servers hold 1 of the platform's 1.2 GB of memory; next in the queue"
    )
    assert [(one.pool, one.limit, one.needed) for one in found.limits] == [("platform", "memory_mb", 1536)]
    assert found.ahead == 0


def test_raising_exactly_the_named_limit_opens_it_and_raising_others_does_not(desk):
    desk.admit(owner="ann")
    big(desk)
    desk.clock.advance(1)
    desk.reservations.wait_if_full(desk.wish("dan"))
    (limit,) = desk.reservations.why(owner="dan", name="stars").limits
    desk.config.platform_cpu = 100.0
    desk.config.quota = {"memory_mb": 10**6, "cpu": 100.0, "servers": 5}
    desk.reservations.tend()
    assert "room" not in desk.told("dan")
    desk.config.platform_memory_mb = int(limit.needed)
    desk.reservations.tend()
    assert desk.told("dan")[-1] == "room"


def test_an_own_server_that_would_make_room_by_closing_is_named(desk):
    desk.config.quota = {"memory_mb": 600, "cpu": 4.0}
    desk.admit(owner="ann")
    desk.reservations.wait_if_full(replace(desk.wish("ann"), ref="other"))
    found = desk.reservations.why(owner="ann", name="other")
    assert [(one.server, one.words) for one in found.sooner] == [
        ("stars", "Close stars, which holds 512 MB of memory.")
    ]


def test_where_room_is_held_or_nobody_waits_there_is_no_limit_to_tell(desk):
    first = desk.admit(owner="ann")
    desk.admit(owner="bob")
    desk.reservations.wait_if_full(desk.wish("carl"))
    desk.servers.close(first.ledger_id)
    desk.reservations.tend()
    assert desk.reservations.why(owner="carl", name="stars").limits == []
    with pytest.raises(Conflict, match="does not wait: it is starting"):
        desk.reservations.why(owner="bob", name="stars")
    with pytest.raises(NotFound):
        desk.reservations.why(owner="eve", name="stars")


def test_who_waits_for_the_last_server_of_their_quota_is_not_told_of_that_quota(desk):
    desk.config.quota = {"memory_mb": 4096, "cpu": 4.0, "servers": 1}
    desk.admit(owner="bob")
    desk.admit(owner="dan")
    assert desk.reservations.wait_if_full(desk.wish("ann")).state == "waiting"
    assert "512 MB of memory" in desk.reservations.wait_if_full(desk.wish("ann")).reason


def test_who_asks_for_another_version_waits_for_that_ones_size(desk):
    desk.admit(owner="ann")
    assert big(desk).state == "waiting"
    assert desk.reservations.wait_if_full(desk.wish("carl")) is None


def test_room_that_is_held_for_a_small_version_lets_no_large_one_past_who_waits(desk):
    first, second = desk.admit(owner="ann"), desk.admit(owner="bob")
    desk.reservations.wait_if_full(desk.wish("carl"))
    desk.clock.advance(1)
    desk.servers.close(first.ledger_id)
    desk.reservations.tend()
    big(desk, "dan")
    desk.servers.close(second.ledger_id)
    large = replace(desk.wish("carl"), memory_mb=800)
    desk.clock.advance(1)
    with pytest.raises(NoRoom, match="kept for those who wait"):
        desk.servers._admit(large)
    assert desk.reservations.wait_if_full(large).state == "waiting"
    desk.reservations.tend()
    assert (desk.told("dan")[-1], desk.told("carl")[-1]) == ("room", "waiting")


def test_who_asks_for_a_larger_version_while_the_disk_is_short_loses_nothing(desk):
    first = desk.admit(owner="ann")
    desk.admit(owner="bob")
    desk.reservations.wait_if_full(desk.wish("carl"))
    desk.servers.close(first.ledger_id)
    desk.reservations.tend()
    desk.short = "the disk is full"
    assert desk.reservations.wait_if_full(replace(desk.wish("carl"), memory_mb=600)).memory_mb == 512


def test_room_that_is_held_is_enough_for_a_smaller_version(desk):
    first = desk.admit(owner="ann")
    big(desk)
    desk.servers.close(first.ledger_id)
    desk.reservations.tend()
    assert desk.reservations.wait_if_full(desk.wish("carl")) is None
    assert desk.admit(owner="carl")


def test_when_an_interface_opens_is_told_from_how_long_servers_stayed_open(desk):
    first = desk.admit(owner="ann").ledger_id
    desk.clock.advance(600)
    desk.servers.close(first)
    desk.admit(owner="ann")
    desk.admit(owner="bob")
    desk.clock.advance(60)
    desk.reservations.wait_if_full(desk.wish("carl"))
    found, now = desk.reservations.why(owner="carl", name="stars").estimate, desk.clock.now()
    assert found.middle == now + timedelta(seconds=540)
    assert now < found.soonest < found.middle < found.latest
