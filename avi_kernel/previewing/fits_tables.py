"""Tables of FITS: the rows of one page, taken from where they lie in the file."""

from typing import Any

from avi_kernel.previewing.words import (
    MB,
    MOST_COLUMNS,
    ROWS,
    Json,
    Question,
    Unreadable,
    cell,
    first_row,
    pages_by_row,
    table,
)

MOST_READ = 64 * MB
"""Bytes of the rows of one page."""
_LONGEST_LIST = 20


def page(question: Question, hdu: Any) -> Json:
    """Return a page of rows."""
    width, announced = int(hdu.header["NAXIS1"]), int(hdu.header["NAXIS2"])
    begin = hdu.fileinfo()["datLoc"]
    held = max(0, question.size - begin) // width if width > 0 else 0
    total = min(announced, held)
    first = first_row(question, total)
    count = max(0, min(ROWS, total - first))
    if width * count > MOST_READ:
        raise Unreadable(f"A row of this table has {width} bytes, which is more than is shown here.")
    rows = _rows(hdu, _raw(question, begin + first * width, width * count), count) if count else []
    names = list(hdu.columns)[: MOST_COLUMNS * 20]
    shown = table([_column(one) for one in names], rows, first=first + 1 if rows else None, total=total)
    view: Json = {"table": shown} | pages_by_row(first, total)
    if total < announced:
        view["problem"] = (
            f"Its header announces {announced} rows; the file holds {total}: it is cut or damaged."
        )
    return view


def _raw(question: Question, start: int, length: int) -> bytes:
    question.file.seek(start)
    return question.file.read(length)


def _rows(hdu: Any, raw: bytes, count: int) -> list[list[str]]:
    """Let the library scale and decode a table that has these rows alone, and nothing of what lies behind them."""
    header = hdu.header.copy()
    header["NAXIS2"], header["PCOUNT"] = count, 0
    header.remove("THEAP", ignore_missing=True)
    padded = raw + bytes(-len(raw) % 2880)
    small = type(hdu).fromstring(header.tostring().encode("ascii", "replace") + padded, uint=True)
    columns = list(small.columns)[:MOST_COLUMNS]
    values = [_values(small, column, count) for column in columns]
    return [[column[row] for column in values] for row in range(count)]


def _values(small: Any, column: Any, count: int) -> list[str]:
    kind = str(column.format).lstrip("0123456789")
    if kind[:1] in {"P", "Q"}:  # its values lie behind the rows, in an order of their own
        return ["(a list)"] * count
    return [_value(one) for one in small.data.field(column.name)]


def _value(value: Any) -> str:
    shape = getattr(value, "shape", ())
    if not shape:
        return cell(value.item() if hasattr(value, "item") else value)
    flat = value.reshape(-1)
    more = " …" if flat.size > _LONGEST_LIST else ""
    return cell(" ".join(cell(one.item()) for one in flat[:_LONGEST_LIST]) + more)


def _column(column: Any) -> Json:
    return {
        "name": cell(column.name),
        "unit": cell(column.unit or ""),
        "type": cell(column.format),
        "ucd": "",
        "about": "",
    }
