"""Who waits for room to open an interface: whose turn it is, who is told what, and who keeps a place."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import event

from gavip_hub.exceptions import Conflict, NoRoom, NotFound
from gavip_hub.services.promises import HOLDS_UP_FOR, STILL_THERE, promises
from gavip_hub.services.reservations import HELD_FOR, PATIENCE
from gavip_hub.testing import EPOCH


def room_for_carl(desk):
    """Let a server close for which carl waits beside another that stays open."""
    first = desk.admit(owner="ann")
    desk.admit(owner="bob")
    desk.reservations.wait_if_full(desk.wish("carl"))
    desk.servers.close(first.ledger_id)
    desk.reservations.tend()


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
    room_for_carl(desk)
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
    room_for_carl(desk)
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
    room_for_carl(desk)
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
    room_for_carl(desk)
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
