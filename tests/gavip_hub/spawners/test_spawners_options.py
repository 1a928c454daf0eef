"""What the Hub's hooks tell the ledger, and that a ledger which is away stops no server that runs."""

from types import SimpleNamespace

import pytest

from gavip_hub.spawners.options import ServerHooks


class Ledger:
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, ...]] = []

    def mark_ready(self, *, owner: str, name: str) -> None:
        self.told.append(("ready", owner, name))

    def close(self, ledger_id: str, *, reason: str = "") -> None:
        self.told.append(("closed", ledger_id, reason))


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
def hooks(ledger: Ledger) -> ServerHooks:
    return ServerHooks(open_ledger=lambda: ledger)


def spawner(name: str = "", *, ledger_id: str = "s1", ending: str = "") -> SimpleNamespace:
    user = SimpleNamespace(name="ann", groups=[])
    return SimpleNamespace(name=name, user=user, ledger_id=ledger_id, ending=ending, admission=None)


async def test_a_notebook_server_that_answers_is_noted(hooks, ledger):
    await hooks.ready(spawner())
    assert ledger.told == [("ready", "ann", "")]


async def test_an_interface_is_not_for_its_page_would_go_there_before_its_route(hooks, ledger):
    await hooks.ready(spawner("stars"))
    assert ledger.told == []


async def test_a_ledger_that_is_away_stops_no_server_that_answers(caplog):
    def away() -> Ledger:
        raise OSError("the database is away")

    await ServerHooks(open_ledger=away).ready(spawner())
    assert "notebook server of ann" in caplog.text


async def test_why_a_server_ended_goes_to_its_row(hooks, ledger):
    await hooks.close(spawner("stars", ending="It ran out of memory."))
    assert ledger.told == [("closed", "s1", "It ran out of memory.")]


async def test_a_refused_start_has_no_row_to_close(hooks, ledger):
    await hooks.close(spawner("stars", ledger_id=""))
    assert ledger.told == []
