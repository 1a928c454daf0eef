"""Interfaces give way to those who wait: with notice, not while they are used, and never twice."""

from datetime import timedelta

import pytest

from gavip_hub.domain.policy import Ranked
from gavip_hub.domain.quota import PLATFORM, Quota, Usage
from gavip_hub.domain.waits import Pool, Wait
from gavip_hub.exceptions import NotFound
from gavip_hub.services.clocks import ClockService
from gavip_hub.services.promises import STILL_THERE
from gavip_hub.storage.schema import Container

NOTICE, AFTER = 90, 300


@pytest.fixture
def full(desk):
    """A platform with room for two interfaces, which ann and bob have; carl waits for one."""
    desk.rows = {owner: desk.open(owner) for owner in ("ann", "bob")}
    desk.evictions.look({})  # seen from now on
    desk.clock.advance(AFTER + 1)
    desk.reservations.wait_if_full(desk.wish("carl"))
    return desk


def silences(ann=400.0, bob=900.0):
    return {("ann", "stars"): ann, ("bob", "stars"): bob}


def told(desk, owner):
    [view] = desk.servers.of(owner=owner)
    return view.closes_at is not None


def wait_on(desk, seconds):
    """Let time pass while carl's page asks again and again."""
    desk.clock.advance(seconds)
    desk.reservations.wait_if_full(desk.wish("carl"))


def test_the_longest_idle_one_is_told_first_and_closes_when_its_notice_is_over(full):
    assert full.evictions.look(silences()) == (True, False)
    assert (told(full, "ann"), told(full, "bob")) == (False, True)
    wait_on(full, NOTICE - 1)
    assert not full.evictions.look(silences()).is_due
    assert full.evictions.begin(silences()) == []
    wait_on(full, 1)
    assert full.evictions.look(silences()).is_due
    [closing] = full.evictions.begin(silences(bob=900.0 + NOTICE))
    assert closing[:2] == ("bob", "stars")
    assert full.servers.get(owner="bob", name="stars").state == "stopping"


def test_who_waits_is_told_when_the_notice_is_over(full):
    assert full.reservations.why(owner="carl", name="stars").estimate is None
    full.evictions.look(silences())
    estimate = full.reservations.why(owner="carl", name="stars").estimate
    assert estimate.middle == full.clock.now() + timedelta(seconds=NOTICE)


def test_its_room_is_not_promised_before_it_is_gone_and_then_goes_to_who_waits(full):
    full.evictions.look(silences())
    wait_on(full, NOTICE)
    [closing] = full.evictions.begin(silences())
    full.reservations.tend()
    assert full.used() == 1024
    assert "room" not in full.told("carl")
    assert full.evictions.look(silences()) == (False, False)  # its room comes: nobody else is told
    assert full.evictions.begin(silences()) == []
    full.evictions.settle(closing, gone=True)
    full.reservations.tend()
    assert full.told("carl")[-1] == "room"


def test_its_user_is_told_why_and_opens_it_at_the_same_release(full):
    full.evictions.look(silences())
    wait_on(full, NOTICE)
    full.evictions.begin(silences(bob=720.0 + NOTICE))
    full.servers.close(full.rows["bob"], reason="It was lost.")  # as the Hub's hook does
    [closed] = full.evictions.closed_lately(owner="bob")
    assert closed.reason == (
        "It was closed because others were waiting for memory and it had not been used for 14 min."
    )
    assert (closed.avi, closed.version, closed.at) == ("stars", "1.0", full.clock.now())
    last = full.events.latest_of_subject(owner="bob", subject="stars")
    assert (last.data["state"], last.data["version"], last.data["reason"]) == (
        "stopped",
        "1.0",
        closed.reason,
    )
    full.servers.settle_stop(owner="bob", name="stars", gone=True)
    full.clock.advance(86_401)
    assert full.evictions.closed_lately(owner="bob") == []


def test_what_its_user_closed_or_has_open_again_is_not_among_those(desk):
    desk.servers.close(desk.open("ann"), reason="It ran out of memory.")
    assert [one.avi for one in desk.evictions.closed_lately(owner="ann")] == ["stars"]
    desk.clock.advance(1)
    again = desk.open("ann")
    assert desk.evictions.closed_lately(owner="ann") == []
    desk.servers.close(again)
    assert desk.evictions.closed_lately(owner="ann") == []


def test_a_use_that_the_interface_or_its_user_tells_withdraws_the_notice(full):
    full.evictions.look(silences())
    heard = full.evictions.hear(owner="bob", name="stars", silence=900)
    assert heard.closes_in == NOTICE
    assert "Others are waiting for memory" in heard.words
    assert full.evictions.hear(owner="bob", name="stars", silence=3).closes_in is None
    assert not told(full, "bob")
    wait_on(full, NOTICE)
    assert not full.evictions.look(silences()).is_due  # ann is told now, and bob counts as there
    assert (told(full, "ann"), told(full, "bob")) == (True, False)
    full.evictions.keep(owner="ann", name="stars")
    full.evictions.look(silences())
    assert (told(full, "ann"), told(full, "bob")) == (False, False)


def test_a_use_between_the_choice_and_its_writing_wins(full, monkeypatch):
    full.evictions.look(silences())
    wait_on(full, NOTICE)
    decided = full.evictions._decide

    def used_meanwhile(silence):
        found = decided(silence)
        full.evictions.keep(owner="bob", name="stars")
        return found

    monkeypatch.setattr(full.evictions, "_decide", used_meanwhile)
    assert full.evictions.begin(silences()) == []
    assert full.servers.get(owner="bob", name="stars").state == "ready"


def test_nobody_is_told_who_is_used_or_is_a_notebook_or_is_starting(desk):
    desk.open("ann")
    desk.admit("bob")
    desk.evictions.look({})
    desk.clock.advance(AFTER + 1)
    desk.reservations.wait_if_full(desk.wish("carl"))
    assert desk.evictions.look(silences(ann=AFTER)).is_short
    assert (told(desk, "ann"), told(desk, "bob")) == (False, False)
    desk.evictions.look({("ann", "stars"): AFTER + 1.0, ("bob", "stars"): 900.0})
    assert (told(desk, "ann"), told(desk, "bob")) == (True, False)


def test_a_notebook_server_stays(desk):
    desk.config.notebook_memory_mb = 600
    desk.admit("ann", name="", options={})
    desk.servers.mark_ready(owner="ann", name="notebook")
    desk.open("bob")
    desk.evictions.look({})
    desk.clock.advance(AFTER + 1)
    desk.reservations.wait_if_full(desk.wish("carl"))
    desk.evictions.look({("ann", ""): 9000.0})
    assert not told(desk, "ann")
    with pytest.raises(NotFound):
        desk.evictions.keep(owner="ann", name="")


def test_the_notice_is_withdrawn_when_nobody_waits_any_more(full):
    full.evictions.look(silences())
    full.servers.mark_stopping(owner="carl", name="stars")
    assert full.evictions.look(silences()) == (False, False)
    assert not told(full, "bob")
    assert full.told("bob")[-2:] == ["notice", "ready"]


def test_nobody_closes_for_a_page_that_was_closed_or_while_nothing_may_start(full):
    full.clock.advance(STILL_THERE.total_seconds() + 1)
    full.evictions.look(silences())
    assert not told(full, "bob")
    full.reservations.wait_if_full(full.wish("carl"))
    full.short = "the disk is full"
    full.evictions.look(silences())
    assert not told(full, "bob")


def test_nobody_closes_for_somebody_whose_own_pool_is_full(full):
    full.config.quota = {"memory_mb": 400, "cpu": 4.0, "jobs": 20, "servers": 5}
    assert full.evictions.look(silences()) == (False, False)
    assert not told(full, "bob")


def waiting_job(desk, *, own_mb=4096):
    """Show a queue whose head asks for 512 MB on a full platform."""
    own = Pool("dora", Quota(memory_mb=own_mb, cpu=4.0))
    platform = Pool(PLATFORM, Quota(memory_mb=1200, cpu=8.0), used=Usage(memory_mb=1024, servers=2))
    held = Pool("eve", Quota(memory_mb=100, cpu=4.0))
    common = {"memory_mb": 512, "cpu": 1.0, "platform": platform, "starts_by": None}
    ahead = {"own_mb": 0, "own_cpu": 0, "all_mb": 0, "all_cpu": 0}
    waits = [Wait(place=1, own=held, **common, **ahead), Wait(place=2, own=own, **common, **ahead)]
    desk.board.post([Ranked(f"j{place}", wait) for place, wait in enumerate(waits)], True)


@pytest.mark.parametrize(("own_mb", "gives_way"), [(4096, True), (500, False)])
def test_the_head_of_the_queue_of_jobs_is_made_room_for_unless_its_own_pool_binds(full, own_mb, gives_way):
    full.servers.mark_stopping(owner="carl", name="stars")
    waiting_job(full, own_mb=own_mb)
    full.evictions.look(silences())
    assert told(full, "bob") is gives_way


def test_a_service_that_starts_anew_closes_nothing_on_the_word_of_the_one_before(full):
    full.evictions.look(silences())
    wait_on(full, NOTICE)
    anew = full.new_evictions()
    assert anew.begin(silences()) == []
    assert not anew.look(silences()).is_due
    assert not told(full, "bob")
    wait_on(full, 60)
    for _ in range(AFTER // 60):
        wait_on(full, 60)
    anew.look(silences())
    assert told(full, "bob")


@pytest.mark.parametrize("by", [86_400, -3600])
def test_a_clock_that_is_set_closes_nothing_early_and_moves_what_was_told(full, by):
    clocks = ClockService(database=full.database, clock=full.clock, boot="b")
    clocks.look()
    full.evictions.look(silences())
    full.clock.set_by(by)
    clocks.look()
    full.reservations.wait_if_full(full.wish("carl"))
    assert not full.evictions.look(silences()).is_due
    assert full.evictions.hear(owner="bob", name="stars", silence=900).closes_in == NOTICE
    wait_on(full, NOTICE)
    assert full.evictions.look(silences()).is_due


def test_what_the_hub_did_not_stop_goes_on_and_is_told_anew(full):
    full.evictions.look(silences())
    wait_on(full, NOTICE)
    [closing] = full.evictions.begin(silences())
    full.evictions.settle(closing, gone=False)
    assert full.servers.get(owner="bob", name="stars").state == "ready"
    full.evictions.look(silences())
    assert told(full, "bob")
    full.servers.close(full.rows["bob"])  # by its user
    assert full.evictions.closed_lately(owner="bob") == []


def test_a_stop_that_was_lost_with_the_service_is_noticed(full):
    full.evictions.look(silences())
    wait_on(full, NOTICE)
    full.evictions.begin(silences())
    anew = full.new_evictions()
    anew.look(silences())
    full.clock.advance(200)
    anew.look({("ann", "stars"): 9.0})  # the Hub does not list it: it is gone, or going
    assert full.servers.get(owner="bob", name="stars").state == "stopping"
    anew.look(silences())
    assert full.servers.get(owner="bob", name="stars").state == "ready"


def idle_for(desk, seconds):
    return desk.evictions.begin_one(owner="ann", name="stars", silence=seconds, timeout=1800)


def test_an_idle_one_that_nobody_waits_for_is_closed_with_why(desk):
    row = desk.open("ann")
    assert idle_for(desk, 1860)[:2] == ("ann", "stars")
    assert desk.told("ann")[-1] == "stopping"
    desk.servers.close(row)
    assert desk.evictions.closed_lately(owner="ann")[0].reason == (
        "It was closed because it had not been used for 31 min."
    )


def test_one_that_its_user_kept_stays_for_the_whole_time(desk):
    desk.open("ann")
    desk.evictions.keep(owner="ann", name="stars")
    assert idle_for(desk, 1860) is None
    desk.clock.advance(1801)
    assert idle_for(desk, 3660)


def test_a_setting_of_zero_tells_nobody_and_asks_for_little(full):
    never = full.new_evictions(after=0)
    assert never.look(silences()) == (False, False)
    assert never.hear(owner="bob", name="stars", silence=9000).ask_again_in > 60


def test_an_interface_that_is_being_closed_hears_so_to_the_end(full):
    full.evictions.look(silences())
    wait_on(full, NOTICE)
    full.evictions.begin(silences())
    heard = full.evictions.hear(owner="bob", name="stars", silence=1)
    assert (heard.closes_in, heard.words[:17]) == (0, "It was closed bec")
    with full.database.reading() as session:
        assert session.get(Container, full.rows["bob"]).backend_state["stopping"]


def test_the_time_that_is_told_is_the_end_of_the_notice(full):
    full.evictions.look(silences())
    [view] = full.servers.of(owner="bob")
    assert view.closes_at == full.clock.now() + timedelta(seconds=NOTICE)
