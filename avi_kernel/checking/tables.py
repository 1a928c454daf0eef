"""Tables among results, read from whatever format they have, and compared by value."""

import csv
import math
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

from avi_kernel.checking.masks import undated

Row = Sequence[Any]
MOST_ROWS = 2_000_000
"""Of a packed table: each is a list of Python's values while it is compared."""


def read_table(path: Path) -> list[Row] | None:
    """Return a table's rows, the first of which names its columns; None where it is of no format that is known here."""
    match path.suffix.lower():
        case ".csv" | ".ecsv" | ".tsv" | ".dat":
            return _delimited(path)
        case ".vot" | ".votable" | ".xml":
            return _astropy(path, "votable")
        case ".fits" | ".fit":
            return _astropy(path, "fits")
        case ".parquet":
            return _parquet(path)
        case _:
            return None


def _delimited(path: Path) -> list[Row]:
    text = path.read_text("utf-8-sig")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    tab = path.suffix.lower() == ".tsv"
    blank = path.suffix.lower() in {".ecsv", ".dat"} and bool(lines) and "," not in lines[0]
    return list(csv.reader(lines, delimiter="\t" if tab else " " if blank else ","))


def _astropy(path: Path, kind: str) -> list[Row]:
    from astropy.table import Table  # noqa: PLC0415 - a second that only tables should take

    table = Table.read(path, format=kind)
    whole = table.filled() if table.has_masked_values else table
    return [list(whole.colnames), *(list(row) for row in whole.iterrows())]


def _parquet(path: Path) -> list[Row]:
    from pyarrow import parquet  # noqa: PLC0415 - as above

    if parquet.read_metadata(path).num_rows > MOST_ROWS:
        raise ValueError(f"more than {MOST_ROWS} rows")
    table = parquet.read_table(path)
    return [table.column_names, *zip(*(column.to_pylist() for column in table.columns), strict=True)]


def difference(first: Sequence[Row], second: Sequence[Row], *, within: float) -> str:
    """Return the first difference of two tables in words; empty where there is none."""
    if len(first) != len(second):
        return f"{len(first) - 1} rows became {len(second) - 1}"
    names = [str(name) for name in first[0]] if first else []
    for number, (before, after) in enumerate(zip(first, second, strict=True)):
        for place, (one, other) in enumerate(zip_longest(before, after)):
            if not same_value(one, other, within=within):
                column = names[place] if place < len(names) else f"column {place + 1}"
                return f"row {number}, {column}: {_short(one)} became {_short(other)}"
    return ""


def same_value(one: Any, other: Any, *, within: float) -> bool:
    """Tell whether two values mean the same: numbers within a relative tolerance, texts but for moments."""
    first, second = _number(one), _number(other)
    if first is not None and second is not None:
        both_nan = math.isnan(first) and math.isnan(second)
        return both_nan or first == second or math.isclose(first, second, rel_tol=within, abs_tol=0)
    if _is_array(one) and _is_array(other):
        pairs = zip_longest(one.ravel().tolist(), other.ravel().tolist())
        return one.shape == other.shape and all(same_value(a, b, within=within) for a, b in pairs)
    return undated(str(one)) == undated(str(other))


def _is_array(value: Any) -> bool:
    """Tell whether a cell of a table holds several values."""
    return bool(getattr(value, "shape", None))


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or _is_array(value):
        return None
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return None


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 40 else text[:39] + "…"  # noqa: PLR2004 - what a sentence holds
