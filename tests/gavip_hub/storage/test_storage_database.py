"""Transactions, the bell after a commit, and times that keep their zone."""

import contextlib
import threading
from datetime import datetime, timedelta, timezone

import pytest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from gavip_hub.exceptions import DatabaseAway
from gavip_hub.storage import database as storage
from gavip_hub.storage import events
from gavip_hub.storage.database import Database, Touched
from gavip_hub.storage.ids import new_id
from gavip_hub.storage.schema import Avi
from gavip_hub.testing import EPOCH


@pytest.fixture
def database(database_url):
    database = Database(url=database_url)
    yield database
    database.close()


def tell(session, subject="j1", owner="ann"):
    return events.append(session, owner=owner, kind="job.state", subject=subject, data={}, at=EPOCH)


def tell_and_fail(database):
    with contextlib.suppress(RuntimeError), database.transaction() as session:
        tell(session)
        raise RuntimeError


def test_a_transaction_that_fails_leaves_nothing_and_rings_no_bell(database):
    rung = []
    database.subscribe(rung.append)
    tell_and_fail(database)
    with database.reading() as session:
        assert events.newest(session, owner="ann") == 0
    assert rung == []


def test_the_bell_rings_after_the_commit_with_all_that_is_new(database):
    rung = []

    def listener(touched):
        with database.reading() as session:
            rung.append((touched, events.newest(session, owner="ann")))

    database.subscribe(listener)
    with database.transaction() as session:
        tell(session)
        tell(session, subject="j2", owner="bob")
        newest = tell(session)
    touched = frozenset({Touched("ann", "j1", "job.state"), Touched("bob", "j2", "job.state")})
    assert rung == [(touched, newest)]


def test_a_listener_that_fails_harms_nobody(database, caplog):
    rung = []
    database.subscribe(lambda touched: 1 / 0)
    unsubscribe = database.subscribe(rung.append)
    with database.transaction() as session:
        tell(session)
    unsubscribe()
    with database.transaction() as session:
        tell(session)
    assert len(rung) == 1
    assert "listener of the database failed" in caplog.text


def test_a_number_given_back_is_given_again(database):
    """With a sequence there would be a hole, and a reader could not tell it from an event still to come."""
    tell_and_fail(database)
    with database.transaction() as session:
        assert tell(session) == 1


def test_a_reader_is_not_held_up_by_a_writer(database):
    with database.transaction() as session:
        tell(session)
        seen = []
        reader = threading.Thread(target=lambda: seen.append(_newest(database)))
        reader.start()
        reader.join(timeout=10)
        assert seen == [0]


def _newest(database):
    with database.reading() as session:
        return events.newest(session, owner="ann")


def test_times_come_back_in_utc_whatever_zone_they_had(database):
    eastern = datetime(2026, 3, 1, 12, 0, tzinfo=timezone(timedelta(hours=-5)))
    with database.transaction() as session:
        session.add(Avi(name="stars", owner="dora", created_at=eastern))
    with database.reading() as session:
        read = session.get(Avi, "stars").created_at
    assert (read, read.utcoffset()) == (eastern, timedelta(0))


def test_ids_grow_with_time_and_differ_within_one_instant():
    early = [new_id("j", now=EPOCH) for _ in range(100)]
    late = new_id("j", now=EPOCH + timedelta(milliseconds=1))
    assert len(set(early)) == 100
    assert max(early) < late


def test_a_mistake_of_ours_is_not_told_as_an_absence(database, caplog):
    with pytest.raises(SQLAlchemyError), database.transaction() as session:
        session.execute(text("SELECT * FROM nothing"))
    assert caplog.text == ""


def test_who_holds_a_row_for_too_long_keeps_nobody_waiting_for_ever(database_url, monkeypatch):
    monkeypatch.setattr(storage, "BUSY_SECONDS", 0.2)
    first, second = Database(url=database_url), Database(url=database_url)
    with first.transaction() as session:
        session.execute(text("UPDATE counters SET value = value"))
        with pytest.raises(DatabaseAway), second.transaction() as other:
            other.execute(text("UPDATE counters SET value = value"))
    for each in (first, second):
        each.close()
