"""Tables of what results come of: what cannot be found out later is kept when a job starts and ends."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from gavip_hub.storage.base import Base


class Input(Base):
    """A file that a job reads, as its parameters name it."""

    __tablename__ = "inputs"
    __table_args__ = (Index("inputs_by_stamp", "stamp"), Index("inputs_by_content", "sha256", "job"))

    job: Mapped[str] = mapped_column(ForeignKey("jobs.id"), primary_key=True)
    parameter: Mapped[str] = mapped_column(String(64), primary_key=True)
    path: Mapped[str]
    """From the top of its owner's space."""
    size: Mapped[int | None] = mapped_column(BigInteger)
    stamp: Mapped[str | None] = mapped_column(String(120))
    """Of the file as its hash was taken: another one means that it was written or exchanged since."""
    sha256: Mapped[str | None] = mapped_column(String(64))
    product: Mapped[str | None] = mapped_column(String(32))
    """The product that it is a part of."""
    state: Mapped[str] = mapped_column(String(20))


class Facts(Base):
    """Where a job ran and what it could reach."""

    __tablename__ = "provenance"
    __table_args__ = (
        Index(
            "provenance_open",
            "job",
            sqlite_where=text("closed_at IS NULL"),
            postgresql_where=text("closed_at IS NULL"),
        ),
        Index("provenance_by_key", "key"),
    )

    job: Mapped[str] = mapped_column(ForeignKey("jobs.id"), primary_key=True)
    image: Mapped[str] = mapped_column(default="")
    image_digest: Mapped[str] = mapped_column(default="")
    """Empty where jobs run as processes of the platform's own machine."""
    platform: Mapped[str] = mapped_column(default="")
    environment: Mapped[str | None] = mapped_column(String(32))
    gavip: Mapped[str] = mapped_column(default="", server_default="")
    """Version of the platform."""
    archive_url: Mapped[str] = mapped_column(default="")
    archive_name: Mapped[str] = mapped_column(default="")
    archive_release: Mapped[str] = mapped_column(default="")
    queries: Mapped[list[Any]] = mapped_column(JSON)
    key: Mapped[str | None] = mapped_column(String(64))
    """What two jobs have in common that make the same of the same; None: not known, or not complete."""
    noted_at: Mapped[datetime | None]
    """None: it has not started."""
    closed_at: Mapped[datetime | None]
    """None: something is still to be looked at."""


class Comparison(Base):
    """What came of a job that was run again, beside what had come of it before."""

    __tablename__ = "comparisons"
    __table_args__ = (
        Index(
            "comparisons_open",
            "job",
            sqlite_where=text("made_at IS NULL"),
            postgresql_where=text("made_at IS NULL"),
        ),
    )

    job: Mapped[str] = mapped_column(ForeignKey("jobs.id"), primary_key=True)
    """The new one."""
    before: Mapped[str] = mapped_column(String(32))
    """The old one, which may be gone; or a product."""
    verdict: Mapped[str] = mapped_column(String(20))
    differences: Mapped[dict[str, Any]] = mapped_column(JSON)
    """Of each result that differs: how, in words."""
    changes: Mapped[list[str]]
    """What else is not as it was, in words."""
    made_at: Mapped[datetime | None]
