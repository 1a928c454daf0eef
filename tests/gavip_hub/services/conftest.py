"""A desk at which servers are admitted, on both databases."""

import pytest

from tests.support.desk import Desk


@pytest.fixture
def desk(database_url, tmp_path):
    made = Desk(database_url, tmp_path)
    yield made
    made.database.close()
