"""A clock that is set changes no age of what lasts: nobody is charged for it, forgotten by it or held up."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gavip_hub.domain.ending import End
from gavip_hub.exceptions import DatabaseAway
from gavip_hub.services.clocks import JUMP, SETTING, ClockService
from gavip_hub.services.promises import holds_up
from gavip_hub.storage import database as storage
from gavip_hub.storage import servers
from gavip_hub.storage import settings as settings_store
from gavip_hub.storage.database import Database
from gavip_hub.storage.schema import Spending
from gavip_hub.testing import exit_record
from tests.support.engine import Engine, place_for, prepared
from tests.support.statements import statements

DAY, HOUR = 86_400, 3600
SETS = [DAY, -HOUR]


def reserve(engine):
    """Have somebody wait for an interface."""
    with engine.database.transaction() as session:
        session.add(place_for("bob", memory_mb=100, at=engine.clock.now()))


def still_waits(engine):
    with engine.database.reading() as session:
        return [holds_up(row, at=engine.clock.now()) for row in servers.reservations(session)]


def spent(engine, owner="ann"):
    with engine.database.reading() as session:
        return session.get(Spending, owner).memory


@pytest.mark.parametrize("by", SETS)
def test_who_runs_pays_for_what_they_ran(engine, by):
    order = engine.lifecycle.claim_one(engine.submit(memory_mb=100).id)
    engine.lifecycle.run_one(order.job, 1)
    engine.clocks.look()
    engine.clock.advance(60)
    engine.clock.set_by(by)
    engine.clocks.look()
    _, snapshot = engine.lifecycle.waiting()
    (holding,) = snapshot.holdings
    assert snapshot.now - holding.since == timedelta(seconds=60)
    assert holding.ends_at - snapshot.now == timedelta(seconds=3600 - 60)
    engine.lifecycle.finish_one(order.job, 1, End(exit=exit_record()))
    assert spent(engine) == pytest.approx(100 * 60, rel=0.01)


@pytest.mark.parametrize("by", SETS)
def test_who_waits_is_not_forgotten_nor_let_past(engine, by):
    engine.clocks.look()
    reserve(engine)
    waiting = engine.submit().id
    engine.clock.advance(10)
    engine.clock.set_by(by)
    engine.clocks.look()
    queued_at = engine.jobs.get(owner="ann", job=waiting).queued_at
    assert still_waits(engine) == [True]
    assert engine.clock.now() - queued_at == timedelta(seconds=10)


def test_it_is_said_and_done_once_whoever_looks(engine, caplog):
    other = ClockService(database=engine.database, clock=engine.clock, boot="one")
    waiting = engine.submit().id
    for each in (engine.clocks, other):
        each.look()
    engine.clock.set_by(DAY)
    for each in (engine.clocks, other, engine.clocks):
        each.look()
    assert engine.jobs.get(owner="ann", job=waiting).queued_at == engine.clock.now()
    assert caplog.text.count("The machine's clock was set forward by 1 day") == 1


def test_all_may_look_first_at_once(engine):
    together = threading.Barrier(8)

    def look():
        service = ClockService(database=engine.database, clock=engine.clock, boot="one")
        together.wait()
        service.look()

    with ThreadPoolExecutor(8) as threads:
        for looked in [threads.submit(look) for _ in range(8)]:
            looked.result()
    with engine.database.reading() as session:
        assert settings_store.get(session, SETTING)


def test_a_clock_that_is_set_while_no_service_runs_is_noticed_by_the_next(engine):
    waiting = engine.submit().id
    engine.clocks.look()
    engine.clock.set_by(-HOUR)
    ClockService(database=engine.database, clock=engine.clock, boot="one").look()
    assert engine.jobs.get(owner="ann", job=waiting).queued_at == engine.clock.now()


def test_another_boot_has_another_clock_and_nothing_is_moved(engine):
    waiting = engine.submit().id
    engine.clocks.look()
    engine.clock.set_by(-HOUR)
    ClockService(database=engine.database, clock=engine.clock, boot="two").look()
    moved = engine.jobs.get(owner="ann", job=waiting).queued_at - engine.clock.now()
    assert moved == timedelta(hours=1)


def test_what_a_time_server_corrects_moves_nothing(engine, caplog):
    engine.clocks.look()
    engine.clock.set_by(JUMP.total_seconds() - 1)
    engine.clocks.look()
    assert "clock was set" not in caplog.text


def test_what_was_noted_after_the_clock_was_set_forward_stays(engine):
    engine.clocks.look()
    engine.clock.set_by(DAY)
    fresh = engine.submit().id
    engine.clocks.look()
    assert engine.jobs.get(owner="ann", job=fresh).queued_at == engine.clock.now()


def test_a_claim_while_times_are_moved_is_not_lost(engine, database_url, monkeypatch):
    monkeypatch.setattr(storage, "BUSY_SECONDS", 0.2)
    other = Engine(database=Database(url=database_url), root=engine.root, clock=engine.clock)
    job = engine.submit().id
    engine.clocks.look()
    engine.clock.set_by(-HOUR)

    def claim(statement):
        if statement.startswith("SELECT jobs.id"):
            with suppress(DatabaseAway):
                other.lifecycle.claim([job])

    with statements(engine.database, then=claim):
        engine.clocks.look()
    other.lifecycle.claim([job])
    other.database.close()
    assert engine.lifecycle.standing(job).launched_at == engine.clock.now()
    assert engine.jobs.get(owner="ann", job=job).started_at == engine.clock.now()


def test_what_was_used_is_held_after_what_uses_it_as_at_every_end(engine):
    engine.lifecycle.finish_one(engine.lifecycle.claim_one(engine.submit().id).job, 1, End())
    engine.lifecycle.claim([engine.submit().id])
    engine.clocks.look()
    engine.clock.set_by(-HOUR)
    with statements(engine.database) as made:
        engine.clocks.look()
    tables = [one.split()[1] for one in made if one.startswith("UPDATE")]
    assert tables.index("containers") < tables.index("spending")


MOVES = st.lists(
    st.one_of(
        st.tuples(st.just("pass"), st.integers(0, 7200)),
        st.tuples(st.just("set"), st.sampled_from([DAY, -DAY, HOUR, -HOUR, 60, -60])),
    ),
    max_size=12,
)


@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moves=MOVES)
def test_ages_are_those_of_the_clock_that_nobody_sets(migrated_sqlite, tmp_path_factory, moves):
    root = tmp_path_factory.mktemp("clock")
    (root / "gavip.sqlite").write_bytes(migrated_sqlite.read_bytes())
    engine = Engine(database=prepared(f"sqlite:///{root / 'gavip.sqlite'}"), root=root)
    order = engine.lifecycle.claim_one(engine.submit(memory_mb=100).id)
    engine.clocks.look()
    for what, seconds in moves:
        (engine.clock.advance if what == "pass" else engine.clock.set_by)(seconds)
        engine.clocks.look()
    _, snapshot = engine.lifecycle.waiting()
    (holding,) = snapshot.holdings
    assert (snapshot.now - holding.since).total_seconds() == pytest.approx(engine.clock.monotonic(), abs=1e-3)
    assert order.attempt == 1
    engine.database.close()
