"""What all tables of the service's database share: how times and words are kept, and how constraints are named."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    DateTime,
    MetaData,
    TypeDecorator,
)
from sqlalchemy import Enum as SqlEnum
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase
from typing_extensions import override

from gavip_hub.domain.container import Kind
from gavip_hub.domain.job import AttemptState, JobState, Target
from gavip_hub.domain.ledger import ContainerState


class UtcDateTime(TypeDecorator[datetime]):
    """A time in UTC; SQLite keeps no zone, so it is put back on the way out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    @override
    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value if value is None else value.astimezone(UTC)

    @override
    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value if value is None else _in_utc(value)


def utc_of(text: str) -> datetime:
    """Return the time that a database tells as text."""
    return _in_utc(datetime.fromisoformat(text))


def _in_utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _words(kind: type[Any]) -> SqlEnum:
    """Store an enumeration by its values, as text that old and new programs can both read."""
    return SqlEnum(
        kind, native_enum=False, length=20, values_callable=lambda members: [m.value for m in members]
    )


class Base(DeclarativeBase):
    """What all tables share."""

    # Constraints need names, or SQLite's could never be changed later.
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy's own way to say it
        datetime: UtcDateTime,
        dict[str, Any]: JSON,
        list[str]: JSON,
        JobState: _words(JobState),
        Target: _words(Target),
        AttemptState: _words(AttemptState),
        Kind: _words(Kind),
        ContainerState: _words(ContainerState),
    }
