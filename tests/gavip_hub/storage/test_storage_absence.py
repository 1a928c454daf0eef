"""An absence of the database is said at its beginning and at its end, and only where it is one."""

import pytest
from sqlalchemy.exc import OperationalError

from gavip_hub.exceptions import DatabaseAway
from gavip_hub.storage.absence import Absence


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


@pytest.mark.parametrize("code", ["40P01", "40001", "55P03"])
def test_transactions_that_are_in_the_way_of_one_another_are_no_absence(caplog, code):
    fail(Absence(), code)
    assert "away" not in caplog.text
