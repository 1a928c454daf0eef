"""The job engine for tests of services and scheduler, on both databases."""

import pytest

from tests.support.engine import Engine, prepared


@pytest.fixture
def database(database_url):
    database = prepared(database_url)
    yield database
    database.close()


@pytest.fixture
def engine(database, tmp_path):
    return Engine(database=database, root=tmp_path)
