"""Astropy tables as Parquet that everything else reads too: missing values are nulls, units stay."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from astropy.table import Column, MaskedColumn, Table

META = b"avi_kernel"
COLUMN_FACTS = ("unit", "description", "ucd")


def write_parquet(table: Table, path: Path) -> Path:
    """Write a table with its units, descriptions, UCDs and metadata, all at once or not at all."""
    arrays = [_array(table[name]) for name in table.colnames]
    schema = pa.schema(
        [
            pa.field(name, array.type, metadata=_facts(table[name]))
            for name, array in zip(table.colnames, arrays, strict=True)
        ],
        metadata={META: json.dumps(dict(table.meta), default=str)},
    )
    partial = path.with_name(path.name + ".partial")
    pq.write_table(pa.Table.from_arrays(arrays, schema=schema), partial, compression="zstd")
    partial.replace(path)
    return path


def read_parquet(path: Path) -> Table:
    """Read a table as `write_parquet` wrote it.

    Raises
    ------
    ValueError
        The file is broken or not one of ours.
    """
    found = pq.read_table(path)
    try:
        meta = json.loads((found.schema.metadata or {})[META])
    except KeyError:
        raise ValueError(f"{path.name} carries no metadata of an archive's table") from None
    columns = [_column(field, found.column(field.name)) for field in found.schema]
    return Table(columns, meta=meta)


def _array(column: Column) -> pa.Array:
    mask = np.asarray(column.mask) if isinstance(column, MaskedColumn) else None
    data = np.asarray(column)
    if data.ndim > 1 or data.dtype.kind == "O":
        missing = mask if mask is not None and mask.ndim == 1 else np.zeros(len(data), bool)
        values = [None if gone else value for value, gone in zip(data.tolist(), missing, strict=True)]
        return pa.array(values)
    return pa.array(data, mask=mask)


def _facts(column: Column) -> dict[str, str]:
    facts = {"unit": column.unit, "description": column.description, "ucd": column.meta.get("ucd")}
    return {name: str(value) for name, value in facts.items() if value}


def _column(field: pa.Field, values: pa.ChunkedArray) -> Column:
    facts = {name.decode(): value.decode() for name, value in (field.metadata or {}).items()}
    data, mask = _data(values)
    described: dict[str, Any] = {"unit": facts.get("unit"), "description": facts.get("description")}
    meta = {"ucd": facts["ucd"]} if "ucd" in facts else {}
    if mask is None:
        return Column(data, name=field.name, meta=meta, **described)
    return MaskedColumn(data, mask=mask, name=field.name, meta=meta, **described)


def _data(values: pa.ChunkedArray) -> tuple[np.ndarray, np.ndarray | None]:
    kind = values.type
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)):
        return _objects(values)
    if not values.null_count:
        return values.to_numpy(), None
    mask = values.is_null().to_numpy()
    filled = values.fill_null(False if pa.types.is_boolean(kind) else 0)
    return filled.to_numpy(), mask


def _objects(values: pa.ChunkedArray) -> tuple[np.ndarray, np.ndarray | None]:
    listed = values.to_pylist()
    if pa.types.is_string(values.type):
        data = np.array(["" if value is None else value for value in listed], dtype=object)
    else:
        data = np.array(listed)
    mask = values.is_null().to_numpy() if values.null_count else None
    return data, mask
