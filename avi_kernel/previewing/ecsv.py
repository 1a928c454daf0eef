"""What the comments of an ECSV, astropy's own CSV, tell of its columns."""

import os
import sys
from contextlib import suppress
from typing import Any

from avi_kernel.previewing.words import Json, cell

_LONGEST = 256 * 1024
_MARK = "# %ECSV"
_BEGINNING = 4096
"""Bytes among which it stands; it is the first line."""


def load(file: int) -> None:
    """Import what reading takes, before nothing can be opened any more; without it no units are told.

    Parameters
    ----------
    file
        Descriptor of what is read: the import takes as long as a page of any other table.
    """
    if _MARK.encode() in os.pread(file, _BEGINNING, 0):
        with suppress(ImportError):
            import yaml  # noqa: F401, PLC0415


def columns_of(comments: list[str], names: list[str]) -> list[Json]:
    """Return the columns of a table; with unit, type and description where its comments tell them."""
    told = _told(comments)
    return [{"name": cell(name), **told.get(name, {})} for name in names]


def _told(comments: list[str]) -> dict[str, Json]:
    if not comments or not comments[0].startswith(_MARK):
        return {}
    header = "".join(line.removeprefix("# ").removeprefix("#") for line in comments[1:])
    if len(header) > _LONGEST or "*" in header.partition("datatype:")[2].partition("meta:")[0]:
        return {}  # no header needs a reference, by which a small one grows
    document = _loaded(header.partition("\nmeta:")[0])
    found = document.get("datatype") if isinstance(document, dict) else None
    columns = [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
    return {str(one.get("name")): _column(one) for one in columns}


def _loaded(header: str) -> Any:
    yaml: Any = sys.modules.get("yaml")
    if yaml is None:
        return None
    try:
        return yaml.safe_load(header)
    except (yaml.YAMLError, ValueError, RecursionError):
        return None


def _column(one: dict[Any, Any]) -> Json:
    told = {"unit": one.get("unit"), "type": one.get("datatype"), "about": one.get("description")}
    return {name: cell(value) for name, value in told.items() if value is not None}
