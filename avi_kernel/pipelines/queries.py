"""What a job's code asked of archives, as its connectors noted it."""

from pathlib import Path

from pydantic import ValidationError

from avi_kernel.protocol.runs import MOST_QUERIES, QueryNote

LARGEST_FILE = 4 * 1024 * 1024
"""Bytes that are read of it."""


def read_queries(file: Path) -> list[QueryNote]:
    """Return the questions that were noted, each once, the first ones where they are many; a broken line is passed over."""
    if not file.is_file():
        return []
    with file.open("rb") as noted:
        lines = noted.read(LARGEST_FILE).splitlines()
    found: dict[tuple[str, str, str], QueryNote] = {}
    for line in lines:
        try:
            query = QueryNote.model_validate_json(line)
        except (ValidationError, ValueError):
            continue
        found.setdefault((query.url, query.release, query.adql), query)
        if len(found) == MOST_QUERIES:
            break
    return list(found.values())
