"""One process at a time does what only one may do."""

import pytest
from sqlalchemy import create_engine, text

from gavip_hub.exceptions import DatabaseAway
from gavip_hub.storage.lease import lease


@pytest.fixture
def take(database_url):
    made = []

    def make():
        made.append(lease(database_url, "scheduler"))
        return made[-1]

    yield make
    for each in made:
        each.release()


def test_one_holds_it_and_the_others_wait(take):
    first, second = take(), take()
    assert [first.hold(), second.hold(), first.hold()] == [True, False, True]


def test_what_is_released_can_be_taken(take):
    first, second = take(), take()
    first.hold()
    first.release()
    first.release()
    assert [second.hold(), first.hold()] == [True, False]


@pytest.mark.postgres
def test_a_broken_connection_is_noticed(postgres):
    url = postgres.database()
    first = lease(url, "scheduler")
    first.hold()
    admin = create_engine(url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        connection.execute(text(f"SELECT pg_terminate_backend(pid) {others}"))
    admin.dispose()
    with pytest.raises(DatabaseAway):
        first.hold()
    assert first.hold()
    first.release()
