"""Where a table comes from, and the files that keep saying so."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from astropy.io.votable import from_table
from astropy.io.votable.tree import Info
from astropy.table import Table

from avi_kernel.connectors.parquet import write_parquet

META_KEY = "source"
GAIA_ATTRIBUTION = (
    "ESA/Gaia/DPAC, CC BY-SA 3.0 IGO. This work has made use of data from the European Space Agency (ESA) mission "
    "Gaia (https://www.cosmos.esa.int/gaia), processed by the Gaia Data Processing and Analysis Consortium (DPAC)."
)


@dataclass(frozen=True, kw_only=True)
class Source:
    """Who answered which question when; it travels with the table into every file."""

    archive: str
    url: str
    release: str
    query: str
    asked_at: str
    """UTC, ISO 8601."""
    rows: int
    complete: bool = True
    """False: the archive cut the answer at its or the asker's limit."""
    attribution: str = GAIA_ATTRIBUTION

    @property
    def short(self) -> str:
        """One line, for a plot or a page."""
        return f"{self.archive}, {self.release}, {self.asked_at[:10]}"

    @property
    def asked(self) -> datetime:
        """When the archive was asked."""
        return datetime.fromisoformat(self.asked_at).astimezone(UTC)

    @classmethod
    def of(cls, table: Table) -> Self:
        """Read it from a table's metadata.

        Raises
        ------
        KeyError
            The table says nothing of its source.
        """
        given: Mapping[str, Any] = table.meta[META_KEY]
        return cls(**{field.name: given[field.name] for field in fields(cls)})

    def mark(self, table: Table) -> None:
        """Write it into a table's metadata."""
        table.meta[META_KEY] = asdict(self)


@dataclass(frozen=True)
class ArchiveTable:
    """An archive's answer: a table and its source."""

    table: Table
    source: Source
    from_cache: bool = False

    def __len__(self) -> int:
        return len(self.table)

    @property
    def overflow(self) -> bool:
        """Whether the archive had more rows than it gave."""
        return not self.source.complete

    def to_parquet(self, path: Path) -> Path:
        """Write table and source as Parquet."""
        return write_parquet(self.table, path)

    def to_votable(self, path: Path) -> Path:
        """Write table and source as a VOTable."""
        return write_votable(self.table, path)


def write_votable(table: Table, path: Path, *, infos: Iterable[tuple[str, str]] = ()) -> Path:
    """Write a table as a VOTable whose INFO elements name its source, as the IVOA note on data origin has them.

    Parameters
    ----------
    infos
        Name and value of more INFO elements, such as the cuts that were made.
    """
    document = from_table(_without_objects(table))
    resource = document.resources[0]
    for name, value in [*_infos(table), *infos]:
        resource.infos.append(Info(name=name, value=value))
    document.to_xml(str(path), tabledata_format="binary2")
    return path


def _infos(table: Table) -> list[tuple[str, str]]:
    if META_KEY not in table.meta:
        return []
    source = Source.of(table)
    status = "OK" if source.complete else "OVERFLOW"
    told = [
        ("QUERY_STATUS", status),
        ("publisher", source.archive),
        ("reference_url", source.url),
        ("resource_version", source.release),
        ("query", source.query),
        ("request_date", source.asked_at),
        ("rights", source.attribution),
    ]
    # What came with an AVI has no address and was no answer to a query.
    return [(name, value) for name, value in told if value]


def _without_objects(table: Table) -> Table:
    """Return the table with text columns as text: astropy writes no columns of objects."""
    plain = table.copy(copy_data=False)
    # Metadata with structure has no place in a VOTable; INFO elements say the same.
    plain.meta.clear()
    for name in plain.colnames:
        if plain[name].dtype.kind == "O":
            plain[name] = plain[name].astype(str)
    return plain
