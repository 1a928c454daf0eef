"""Parquet, paged by rows: of each row group only what a page needs is taken out, and of its columns the first."""

from collections.abc import Iterator
from typing import Any

from avi_kernel.previewing.words import (
    MB,
    MOST_COLUMNS,
    ROWS,
    Answer,
    Json,
    Question,
    Unreadable,
    cell,
    first_row,
    pages_by_row,
    reason,
    table,
)

_AT_ONCE = 2048
"""Rows that are taken out at a time."""
LARGEST_ABOUT = 32 * MB
_LONGEST_LIST = 20


def load() -> None:
    """Import what reading takes, before nothing can be opened any more."""
    import pyarrow as pa  # noqa: F401, PLC0415
    from pyarrow import parquet  # noqa: F401, PLC0415


def read(question: Question) -> Answer:
    """Return a page of rows."""
    import pyarrow as pa  # noqa: PLC0415  # for this kind alone
    from pyarrow import parquet  # noqa: PLC0415  # as above

    try:
        file = parquet.ParquetFile(
            pa.PythonFile(question.file, mode="r"),
            pre_buffer=False,
            thrift_string_size_limit=LARGEST_ABOUT,
            thrift_container_size_limit=1_000_000,
        )
        total = file.metadata.num_rows
        first = first_row(question, total)
        columns = [_column(field) for field in file.schema_arrow]
        rows = list(_rows(file, first, _leaves(file))) if total > 0 else []
    except (pa.ArrowException, OSError) as error:
        raise Unreadable(f"This file cannot be read as Parquet: {reason(error)}.") from None
    shown = table(columns, rows, first=first + 1 if rows else None, total=total)
    return Answer({"kind": "parquet", "table": shown} | pages_by_row(first, total))


def _column(field: Any) -> Json:
    about = field.metadata or {}
    return {
        "name": cell(field.name),
        "type": cell(field.type),
        "unit": cell(about.get(b"unit", b"")),
        "about": cell(about.get(b"description", b"")),
    }


def _leaves(file: Any) -> list[str]:
    return [field.name for field in file.schema_arrow][:MOST_COLUMNS]


def _rows(file: Any, first: int, columns: list[str]) -> Iterator[list[str]]:
    groups, skip = _groups(file, first)
    left = ROWS
    for batch in file.iter_batches(
        batch_size=_AT_ONCE, row_groups=groups, columns=columns, use_threads=False
    ):
        if skip >= batch.num_rows:
            skip -= batch.num_rows
            continue
        part = batch.slice(skip, left)
        skip = 0
        left -= part.num_rows
        values = [[_value(one) for one in column] for column in part.columns]
        yield from ([column[row] for column in values] for row in range(part.num_rows))
        if left <= 0:
            return


def _groups(file: Any, first: int) -> tuple[list[int], int]:
    """Return the row groups from the one that holds a row on, and how many rows lie before it there."""
    count, before = file.metadata.num_row_groups, 0
    for number in range(count):
        rows = file.metadata.row_group(number).num_rows
        if before + rows > first:
            return list(range(number, count)), first - before
        before += rows
    return [], 0


def _value(scalar: Any) -> str:
    if not scalar.is_valid:
        return ""
    if hasattr(scalar, "values") and scalar.values is not None and len(scalar.values) > _LONGEST_LIST:
        return f"{len(scalar.values)} values"
    return cell(scalar.as_py())
