"""Many rows by one statement, on both databases."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Table, TextClause, and_, bindparam, insert, text, update
from sqlalchemy.orm import Session

Row = Mapping[str, Any]


def add(session: Session, table: Table, rows: Sequence[Row]) -> None:
    """Add rows, all with the same columns."""
    if not rows:
        return
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        connection.execute(_adding(table.name, tuple(rows[0])), {"rows": _as_json(rows)})
    else:
        connection.execute(insert(table), rows)


def change(session: Session, table: Table, rows: Sequence[Row], *, keys: tuple[str, ...]) -> None:
    """Change rows that are found by these columns; all other columns are what they become, and the same in each."""
    if not rows:
        return
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        connection.execute(_changing(table.name, tuple(rows[0]), keys), {"rows": _as_json(rows)})
        return
    found = and_(*(table.c[key] == bindparam(f"the_{key}") for key in keys))
    new: dict[str, Any] = {name: bindparam(f"the_{name}") for name in rows[0] if name not in keys}
    named = [{f"the_{name}": value for name, value in row.items()} for row in rows]
    connection.execute(update(table).where(found).values(new), named)


# PostgreSQL's driver sends each row of many by itself, which takes longer than all else that a batch does. So all of
# them are one value there, which the database takes apart by the table's own types.


@lru_cache
def _adding(table: str, columns: tuple[str, ...]) -> TextClause:
    names = ", ".join(f'"{column}"' for column in columns)
    return text(f"INSERT INTO {table} ({names}) SELECT {names} FROM {_taken_apart(table)}")  # noqa: S608 - names of the schema


@lru_cache
def _changing(table: str, columns: tuple[str, ...], keys: tuple[str, ...]) -> TextClause:
    new = ", ".join(f'"{column}" = new."{column}"' for column in columns if column not in keys)
    found = " AND ".join(f'{table}."{key}" = new."{key}"' for key in keys)
    return text(f"UPDATE {table} SET {new} FROM {_taken_apart(table)} AS new WHERE {found}")  # noqa: S608 - names of the schema


def _taken_apart(table: str) -> str:
    return f"json_populate_recordset(CAST(NULL AS {table}), CAST(:rows AS json))"


def _as_json(rows: Sequence[Row]) -> str:
    return json.dumps(rows, default=_plain)


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is no value of a column")
