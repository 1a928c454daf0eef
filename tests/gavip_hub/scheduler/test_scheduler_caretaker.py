"""Idle interfaces are closed, and boxes that nobody knows any more."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gavip_hub.clock import Clock
from gavip_hub.exceptions import Unavailable
from gavip_hub.hub.client import HubServer
from gavip_hub.scheduler.caretaker import Caretaker
from gavip_hub.services.evictions import Closing, Look
from gavip_hub.testing import ManualClock

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
HALF_AN_HOUR = 1800


def server(*, name: str = "hr", last: int | None = 0, started: int = 7200, ready: bool = True) -> HubServer:
    """Return a server; times in seconds ago."""
    return HubServer(
        owner="ann",
        name=name,
        ready=ready,
        pending=None,
        started=NOW - timedelta(seconds=started),
        last_activity=None if last is None else NOW - timedelta(seconds=last),
    )


@dataclass
class FakeHub:
    servers: list[HubServer] = field(default_factory=list)
    evicted: list[tuple[str, str]] = field(default_factory=list)
    asked: int = 0

    async def list_servers(self) -> list[HubServer]:
        self.asked += 1
        return self.servers

    async def evict(self, *, user: str, name: str) -> bool:
        self.evicted.append((user, name))
        return True


@dataclass
class FakeLedger:
    seen: list[list[HubServer]] = field(default_factory=list)

    async def reconcile(self, listed: Iterable[HubServer], *, since: datetime) -> None:
        self.seen.append(list(listed))


@dataclass
class FakeBoxes:
    all: list[str]
    removed: list[str] = field(default_factory=list)

    def names(self) -> list[str]:
        return self.all

    def remove(self, name: str) -> None:
        self.removed.append(name)


@dataclass
class FakeEvictions:
    """Closes for others what it is told to."""

    due: list[Closing] = field(default_factory=list)
    is_short: bool = False
    asked: list[Mapping[tuple[str, str], float]] = field(default_factory=list)
    began: list[tuple[str, str, float]] = field(default_factory=list)
    settled: list[tuple[str, bool]] = field(default_factory=list)

    def look(self, silence: Mapping[tuple[str, str], float]) -> Look:
        return Look(is_short=self.is_short, is_due=bool(self.due))

    def begin(self, silence: Mapping[tuple[str, str], float]) -> list[Closing]:
        self.asked.append(silence)
        due, self.due = self.due, []
        return due

    def begin_one(self, *, owner: str, name: str, silence: float, timeout: float) -> Closing:
        self.began.append((owner, name, silence))
        return Closing(owner, name, "it was idle")

    def settle(self, closing: Closing, *, gone: bool) -> None:
        self.settled.append((closing.name, gone))


async def at_once(function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    return function(*arguments, **named)


def caretaker(
    hub: FakeHub,
    boxes: FakeBoxes,
    *,
    known: set[str],
    ledger: FakeLedger | None = None,
    evictions: FakeEvictions | None = None,
    clock: Clock | None = None,
    timeout: int = HALF_AN_HOUR,
) -> Caretaker:
    return Caretaker(
        hub=hub,
        ledger=ledger or FakeLedger(),
        evictions=evictions or FakeEvictions(),
        boxes=boxes,
        open_ids=lambda: known,
        in_thread=at_once,
        clock=clock or ManualClock(start=NOW),
        idle_timeout=timeout,
    )


async def closed(*servers: HubServer, after: int = HALF_AN_HOUR) -> list[str]:
    hub = FakeHub(servers=list(servers))
    await caretaker(hub, FakeBoxes(all=[]), known=set(), timeout=after).round()
    return [name for _owner, name in hub.evicted]


async def test_an_interface_is_idle_once_its_user_was_silent_for_longer_than_the_timeout() -> None:
    silent, busy = (
        server(name="silent", last=HALF_AN_HOUR + 1),
        server(name="busy", last=HALF_AN_HOUR - 1),
    )
    assert await closed(silent, busy) == ["silent"]


async def test_a_server_that_reported_nothing_counts_from_its_start() -> None:
    fresh, forgotten = (
        server(name="fresh", last=None, started=60),
        server(name="old", last=None, started=7200),
    )
    assert await closed(fresh, forgotten) == ["old"]


async def test_notebooks_and_what_is_still_starting_are_left_alone() -> None:
    notebook, starting = server(name="", last=7200), server(ready=False, last=7200)
    assert await closed(notebook, starting) == []


async def test_a_timeout_of_zero_means_never() -> None:
    assert await closed(server(last=10**6), after=0) == []


@pytest.mark.parametrize("by", [86_400, -3600])
async def test_a_clock_that_is_set_closes_nothing_early_and_nothing_late(by: int) -> None:
    hub, clock = FakeHub(servers=[server(last=60)]), ManualClock(start=NOW)
    keeper = caretaker(hub, FakeBoxes(all=[]), known=set(), clock=clock)
    await keeper.round()
    clock.set_by(by)
    clock.advance(HALF_AN_HOUR - 61)
    await keeper.round()
    assert hub.evicted == []
    clock.advance(2)
    await keeper.round()
    assert hub.evicted == [("ann", "hr")]


async def test_idle_interfaces_are_evicted_by_owner_and_name() -> None:
    hub = FakeHub(servers=[server(last=7200), server(name="cluster", last=1)])
    await caretaker(hub, FakeBoxes(all=[]), known=set()).round()
    assert hub.evicted == [("ann", "hr")]


async def test_ledger_and_idleness_are_told_by_one_list() -> None:
    hub, ledger = FakeHub(servers=[server()]), FakeLedger()
    await caretaker(hub, FakeBoxes(all=[]), known=set(), ledger=ledger).round()
    assert ledger.seen == [hub.servers]
    assert hub.asked == 1


async def test_a_box_that_no_row_knows_is_removed_at_the_second_look_and_jobs_are_not_touched() -> None:
    boxes = FakeBoxes(all=["gavip-server-1", "gavip-server-2", "gavip-somejob-1"])
    keeper = caretaker(FakeHub(), boxes, known={"1"})
    await keeper.round()
    assert boxes.removed == []
    await keeper.round()
    assert boxes.removed == ["gavip-server-2"]


async def test_one_that_cannot_be_removed_keeps_no_other_box_and_no_idle_interface(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class KeepsOne(FakeBoxes):
        def remove(self, name: str) -> None:
            if name == "gavip-server-x":
                raise Unavailable("the box gavip-server-x does not end")
            super().remove(name)

    boxes = KeepsOne(all=[f"gavip-server-{name}" for name in "wxyz"])
    hub, ledger = FakeHub(servers=[server(last=7200)]), FakeLedger()
    keeper = caretaker(hub, boxes, known=set(), ledger=ledger)
    for _ in range(2):
        await keeper.round()
    assert sorted(boxes.removed) == ["gavip-server-w", "gavip-server-y", "gavip-server-z"]
    assert len(ledger.seen) == len(hub.evicted) == 2
    assert "the box gavip-server-x does not end; it is tried again" in caplog.text


async def test_boxes_are_cleared_though_the_hub_is_down() -> None:
    class Down(FakeHub):
        async def list_servers(self) -> list[HubServer]:
            raise Unavailable

    boxes = FakeBoxes(all=["gavip-server-2"])
    keeper = caretaker(Down(), boxes, known=set())
    for _ in range(2):
        with pytest.raises(Unavailable):
            await keeper.round()
    assert boxes.removed == ["gavip-server-2"]


async def test_a_hub_that_does_not_stop_one_keeps_no_other_from_being_stopped_and_both_are_settled() -> None:
    class Stubborn(FakeHub):
        async def evict(self, *, user: str, name: str) -> bool:
            if name == "hr":
                raise Unavailable
            return await super().evict(user=user, name=name)

    evictions = FakeEvictions()
    hub = Stubborn(servers=[server(last=7200), server(name="cluster", last=7200)])
    with pytest.raises(Unavailable):
        await caretaker(hub, FakeBoxes(all=[]), known=set(), evictions=evictions).round()
    assert evictions.began == [("ann", "hr", 7200), ("ann", "cluster", 7200)]
    assert evictions.settled == [("hr", False), ("cluster", True)]


async def test_what_the_hub_is_still_stopping_is_left_to_its_hook() -> None:
    class Slow(FakeHub):
        async def evict(self, *, user: str, name: str) -> bool:
            return False

    evictions = FakeEvictions()
    hub = Slow(servers=[server(last=7200)])
    await caretaker(hub, FakeBoxes(all=[]), known=set(), evictions=evictions).round()
    assert evictions.settled == []


async def test_while_nobody_waits_the_hub_is_not_asked_and_soon_where_somebody_does() -> None:
    hub, evictions, clock = FakeHub(servers=[server()]), FakeEvictions(), ManualClock(start=NOW)
    keeper = caretaker(hub, FakeBoxes(all=[]), known=set(), evictions=evictions, clock=clock)
    await keeper.round()
    clock.advance(59)
    await keeper.make_room()
    assert hub.asked == 1
    evictions.is_short = True
    await keeper.make_room()
    await keeper.make_room()
    assert hub.asked == 2


async def test_who_gives_way_is_chosen_by_a_list_of_that_moment() -> None:
    hub, evictions, clock = FakeHub(servers=[server(last=400)]), FakeEvictions(), ManualClock(start=NOW)
    keeper = caretaker(hub, FakeBoxes(all=[]), known=set(), evictions=evictions, clock=clock)
    await keeper.round()
    evictions.due = [Closing("ann", "hr", "others wait")]
    clock.advance(10)
    hub.servers = [server(last=-8)]
    await keeper.make_room()
    assert evictions.asked == [{("ann", "hr"): 0}]
    assert (hub.evicted, evictions.settled) == ([("ann", "hr")], [("hr", True)])
