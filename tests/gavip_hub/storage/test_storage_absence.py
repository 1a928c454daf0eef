"""An absence of the database is said at its beginning and at its end, and only where it is one."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from gavip_hub.exceptions import DatabaseAway
from gavip_hub.storage.absence import Absence
from gavip_hub.storage.database import Database


class Refused(Exception):
    def __init__(self, code):
        super().__init__(f"refused with {code}")
        self.sqlstate = code


def fail(absence, code):
    with pytest.raises(DatabaseAway), absence.noticed(writing=True):
        raise OperationalError("UPDATE jobs", {}, Refused(code))


def test_an_absence_is_said_once_and_its_end_as_well(caplog):
    absence = Absence()
    for _ in range(3):
        fail(absence, "57P01")
    for _ in range(2):
        with absence.noticed(writing=True):
            pass
    assert caplog.text.count("The database is away") == caplog.text.count("answers again") == 1


def test_who_asks_nothing_does_not_say_that_it_answers_again(migrated_sqlite, caplog):
    database = Database(url=f"sqlite:///{migrated_sqlite}")
    with pytest.raises(DatabaseAway), database.reading():
        raise OperationalError("SELECT 1", {}, Refused("57P01"))
    with database.reading():
        pass
    assert "answers again" not in caplog.text
    with database.reading() as session:
        session.execute(text("SELECT 1"))
    assert "answers again" in caplog.text
    database.close()


@pytest.mark.parametrize("code", ["40P01", "40001", "55P03"])
def test_transactions_that_are_in_the_way_of_one_another_are_no_absence(caplog, code):
    fail(Absence(), code)
    assert "away" not in caplog.text
