"""Alembic's environment: where the database is and what its tables should be."""  # noqa: INP001 - run, never imported

from typing import Any, Literal

from alembic import context
from sqlalchemy import Enum

from gavip_hub.storage.base import UtcDateTime
from gavip_hub.storage.catalogue_schema import Card
from gavip_hub.storage.database import make_engine
from gavip_hub.storage.outside_schema import Import
from gavip_hub.storage.product_schema import Product
from gavip_hub.storage.provenance_schema import Facts
from gavip_hub.storage.template_schema import Template

[METADATA] = {Card.metadata, Facts.metadata, Import.metadata, Product.metadata, Template.metadata}
"""Of all tables: each module of them is loaded, and they have one between them."""


def _url() -> str:
    given = context.get_x_argument(as_dictionary=True).get("url")
    return str(given or context.config.attributes["url"])


def _render(kind: str, thing: Any, _context: Any) -> str | Literal[False]:
    """Write migrations in plain types, so that they never change with today's code."""
    if kind == "type" and isinstance(thing, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(thing, Enum):
        return f"sa.String(length={thing.length})"
    return False


def _migrate() -> None:
    engine = make_engine(_url())
    try:
        with engine.connect() as connection:
            # Batches let SQLite change tables at all.
            context.configure(
                connection=connection,
                target_metadata=METADATA,
                render_as_batch=True,
                render_item=_render,
            )
            with context.begin_transaction():
                context.run_migrations()
            connection.commit()
    finally:
        engine.dispose()


_migrate()
