"""Many rows by one statement: both databases keep every value as one row alone would."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import select

from gavip_hub.domain.container import Kind
from gavip_hub.domain.ledger import ContainerState
from gavip_hub.storage import rows
from gavip_hub.storage.schema import Container
from gavip_hub.testing import EPOCH

LEDGER = Container.__table__
AWKWARD = 'it\'s "quoted", \\u0041 \\n, €, 🌌, %s :rows'
LATE = datetime(2026, 7, 1, 12, 30, 15, 123456, tzinfo=timezone(timedelta(hours=2)))


def row(name, **more):
    given = {"owner": "ann", "kind": Kind.JOB, "avi": None, "ref": AWKWARD, "state": ContainerState.LIVE}
    sizes = {"cpu": 0.1, "memory_mb": 2**31 - 1, "backend_state": {}, "reason": "", "created_at": EPOCH}
    return {"id": name, **given, **sizes, **more}


@pytest.fixture
def written(database):
    with database.transaction() as session:
        rows.add(
            session, LEDGER, [row("c1"), row("c2", created_at=LATE, backend_state={"a": [1, None, AWKWARD]})]
        )
    return database


def read(database, name):
    with database.reading() as session:
        return session.get_one(Container, name)


def test_what_is_added_is_read_as_it_was(written):
    first, second = read(written, "c1"), read(written, "c2")
    assert (first.ref, first.memory_mb, first.cpu, first.avi) == (AWKWARD, 2**31 - 1, 0.1, None)
    assert (first.kind, first.state) == (Kind.JOB, ContainerState.LIVE)
    assert (first.created_at, second.created_at) == (EPOCH, LATE.astimezone(UTC))
    assert second.backend_state == {"a": [1, None, AWKWARD]}


def test_only_what_is_named_is_changed_and_each_row_by_its_own_values(written):
    new = [
        {"id": "c1", "reason": "one", "ready_at": LATE, "backend_state": {"pid": 1}},
        {"id": "c2", "reason": AWKWARD, "ready_at": None, "backend_state": {"pid": 2}},
    ]
    with written.transaction() as session:
        rows.add(session, LEDGER, [row("c3", reason="kept")])
        rows.change(session, LEDGER, new, keys=("id",))
    first, second, third = (read(written, name) for name in ("c1", "c2", "c3"))
    assert (first.reason, first.ready_at, first.backend_state) == ("one", LATE.astimezone(UTC), {"pid": 1})
    assert (second.reason, second.ready_at, second.backend_state) == (AWKWARD, None, {"pid": 2})
    assert (third.reason, third.ref) == ("kept", AWKWARD)


def test_all_of_a_key_must_agree(written):
    with written.transaction() as session:
        rows.change(session, LEDGER, [{"id": "c1", "owner": "bob", "reason": "x"}], keys=("id", "owner"))
    assert read(written, "c1").reason == ""


def test_nothing_is_no_statement(written):
    with written.transaction() as session:
        rows.add(session, LEDGER, [])
        rows.change(session, LEDGER, [], keys=("id",))
        assert len(session.scalars(select(Container)).all()) == 2
