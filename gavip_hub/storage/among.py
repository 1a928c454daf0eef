"""The question whether a column is one of many names."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, String, any_, literal
from sqlalchemy.orm import Session


def among(session: Session, column: Any, names: Collection[str]) -> ColumnElement[bool]:
    """Return the condition that a column is one of these names.

    `IN` has a parameter for each of them. SQLite is fast with that; for PostgreSQL a statement that names a hundred is
    written, sent and understood anew each time, which takes longer than what it does: there all are one value.
    """
    at_once = session.get_bind().dialect.name == "postgresql"
    found: ColumnElement[bool] = (
        column == any_(literal(list(names), ARRAY(String()))) if at_once else column.in_(names)
    )
    return found
