"""Bring the database to this program's schema, and refuse to work on any other."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from gavip_hub.exceptions import WrongSchema
from gavip_hub.storage.absence import refused

HERE = Path(__file__).parent


def alembic_config(url: str) -> Config:
    """Return Alembic's settings for this database."""
    config = Config(HERE / "alembic.ini")
    config.attributes["url"] = url
    return config


def upgrade(url: str, revision: str = "head") -> None:
    """Create the tables, or bring them to this program's schema; no harm when they are there."""
    command.upgrade(alembic_config(url), revision)


def require_current(engine: Engine) -> None:
    """Refuse to start on a schema that is not this program's.

    Raises
    ------
    gavip_hub.exceptions.WrongSchema
        Naming both schemas and the next step.
    gavip_hub.exceptions.DatabaseAway
        It does not answer.
    """
    wanted = ScriptDirectory.from_config(alembic_config(str(engine.url))).get_current_head()
    with refused(), engine.connect() as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    if found != wanted:
        raise WrongSchema(
            f"the database has schema {found or 'none'}, this program needs {wanted}: "
            "start it with `gavip up`, which upgrades the database first"
        )
