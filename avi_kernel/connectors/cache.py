"""Answers of an archive kept on disk, so that nothing is asked twice of one release."""

import hashlib
import json
import logging
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from astropy.table import Table

from avi_kernel.connectors.parquet import read_parquet, write_parquet

_log = logging.getLogger(__name__)

CACHE_FOLDER = Path(".cache") / "archive"
MB = 1024 * 1024
# Text in quotes is kept as it is; outside, case and white space mean nothing in ADQL.
_PIECE = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|\s+|[^'\"\s-]+|-")


class QueryCache:
    """A folder of answers, the longest unused of which go first when it grows too large.

    Parameters
    ----------
    folder
        Made when the first answer is kept.
    limit_mb
        MB that all answers may take together.
    anew
        Give none of them: they are kept for later alone.
    """

    def __init__(self, folder: Path, *, limit_mb: int = 500, anew: bool = False) -> None:
        self._folder = folder
        self._limit = limit_mb * MB
        self._anew = anew

    @classmethod
    def of_environment(cls, environ: Mapping[str, str]) -> Self | None:
        """Return the cache in the AVI's own folder, or None where there is no such folder.

        A job whose results are compared with those of another asks archives anew: else nobody would see that their
        data are not what they were.
        """
        work, anew = environ.get("GAVIP_WORK_DIR"), bool(environ.get("GAVIP_ASK_ANEW"))
        return cls(Path(work) / CACHE_FOLDER, anew=anew) if work else None

    def find(self, key: str) -> Table | None:
        """Return the answer kept under this key; a broken one counts as none."""
        if self._anew:
            return None
        path = self._path(key)
        try:
            table = read_parquet(path)
            os.utime(path)
        except (OSError, ValueError):
            return None
        return table

    def keep(self, key: str, table: Table) -> None:
        """Keep an answer; a full disk or a read-only folder only costs the saving."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            write_parquet(table, self._path(key))
            self._make_room()
        except OSError as error:
            _log.info("the answer of the archive is not kept: %s", error)

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}.parquet"

    def _make_room(self) -> None:
        newest_first = sorted(self._folder.glob("*.parquet"), key=lambda path: -path.stat().st_mtime)
        total = 0
        for path in newest_first:
            total += path.stat().st_size
            if total > self._limit:
                path.unlink(missing_ok=True)


def query_key(*, url: str, release: str, adql: str, maxrec: int | None, uploads: Mapping[str, bytes]) -> str:
    """Return the name under which the answer to a question is kept."""
    tables = {name: hashlib.sha256(content).hexdigest() for name, content in uploads.items()}
    question = [url.rstrip("/"), release, normalised(adql), maxrec, sorted(tables.items())]
    return hashlib.sha256(json.dumps(question).encode()).hexdigest()


def normalised(adql: str) -> str:
    """Return a query without what does not change its meaning: comments, white space, case outside quotes."""
    pieces: list[str] = []
    for piece in _PIECE.findall(adql):
        if piece[0] in "'\"":
            pieces.append(piece)
        elif piece.isspace() or piece.startswith("--"):
            pieces += [] if pieces[-1:] == [" "] else [" "]
        else:
            pieces.append(piece.lower())
    return "".join(pieces).strip().rstrip(";").rstrip()
