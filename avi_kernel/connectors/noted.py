"""Questions to archives, noted for the platform: a job's results say which ones they come of."""

import json
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

QUERIES_VARIABLE = "GAVIP_QUERIES_FILE"
LONGEST_QUERY = 10_000
"""Characters of a query that are noted."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One question and how much its answer holds."""

    url: str
    archive: str
    release: str
    adql: str
    rows: int
    at: str
    """When the archive was asked, UTC, ISO 8601; before the job where the answer was known."""


def note(asked: Asked) -> None:
    """Note a question in the job's folder; outside a job, and on a full disk, nothing is noted."""
    file = os.environ.get(QUERIES_VARIABLE)
    if not file:
        return
    line = {
        "url": asked.url[:500],
        "archive": asked.archive[:200],
        "release": asked.release[:200],
        "adql": asked.adql[:LONGEST_QUERY],
        "rows": asked.rows,
        "at": asked.at,
    }
    with suppress(OSError), Path(file).open("a", encoding="utf-8") as queries:
        queries.write(json.dumps(line) + "\n")
