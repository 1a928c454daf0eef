"""Migrations make exactly the tables that the code expects, on both databases."""

import pytest
from alembic import command
from sqlalchemy import inspect, text

from gavip_hub.exceptions import WrongSchema
from gavip_hub.storage import migrate
from gavip_hub.storage.database import Database


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def empty_url(request, tmp_path):
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'empty.sqlite'}"
    return request.getfixturevalue("postgres").empty_database()


@pytest.fixture
def database(empty_url):
    database = Database(url=empty_url)
    yield database
    database.close()


def test_upgrade_makes_the_tables_of_the_code(empty_url):
    migrate.upgrade(empty_url)
    command.check(migrate.alembic_config(empty_url))


def test_upgrading_twice_changes_nothing(empty_url, database):
    migrate.upgrade(empty_url)
    migrate.upgrade(empty_url)
    migrate.require_current(database.engine)


def test_downgrade_leaves_nothing(empty_url, database):
    migrate.upgrade(empty_url)
    command.downgrade(migrate.alembic_config(empty_url), "base")
    assert inspect(database.engine).get_table_names() == ["alembic_version"]


def test_a_database_without_tables_is_refused(database):
    with pytest.raises(WrongSchema, match=r"has schema none.*gavip up"):
        migrate.require_current(database.engine)


def test_an_unknown_schema_is_refused(empty_url, database):
    migrate.upgrade(empty_url)
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(WrongSchema, match="9999"):
        migrate.require_current(database.engine)
