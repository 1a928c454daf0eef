"""Idle interfaces are closed, and boxes that nobody knows any more."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gavip_hub.exceptions import Unavailable
from gavip_hub.hub.client import HubServer
from gavip_hub.scheduler.caretaker import Caretaker, idle

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


class FixedClock:
    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        raise AssertionError


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


async def at_once(function: Callable[..., Any], *arguments: Any) -> Any:
    return function(*arguments)


def caretaker(
    hub: FakeHub, boxes: FakeBoxes, *, known: set[str], ledger: FakeLedger | None = None
) -> Caretaker:
    return Caretaker(
        hub=hub,
        ledger=ledger or FakeLedger(),
        boxes=boxes,
        open_ids=lambda: known,
        in_thread=at_once,
        clock=FixedClock(),
        idle_timeout=HALF_AN_HOUR,
    )


def test_an_interface_is_idle_once_its_user_was_silent_for_longer_than_the_timeout() -> None:
    silent, busy = server(last=HALF_AN_HOUR + 1), server(last=HALF_AN_HOUR - 1)
    assert idle([silent, busy], now=NOW, timeout=HALF_AN_HOUR) == [silent]


def test_a_server_that_reported_nothing_counts_from_its_start() -> None:
    fresh, forgotten = server(last=None, started=60), server(last=None, started=7200)
    assert idle([fresh, forgotten], now=NOW, timeout=HALF_AN_HOUR) == [forgotten]


def test_notebooks_and_what_is_still_starting_are_left_alone() -> None:
    notebook, starting = server(name="", last=7200), server(ready=False, last=7200)
    assert idle([notebook, starting], now=NOW, timeout=HALF_AN_HOUR) == []


def test_a_timeout_of_zero_means_never() -> None:
    assert idle([server(last=10**6)], now=NOW, timeout=0) == []


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
