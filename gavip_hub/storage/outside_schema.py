"""Tables of repositories that come from other places, or are pushed on to such."""

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from gavip_hub.storage.base import Base


class Import(Base):
    """The last import into a project: where from, whose, and how far."""

    __tablename__ = "imports"

    avi: Mapped[str] = mapped_column(ForeignKey("avis.name"), primary_key=True)
    url: Mapped[str]
    person: Mapped[str]
    state: Mapped[str] = mapped_column(String(10))
    fraction: Mapped[float] = mapped_column(default=0.0)
    message: Mapped[str] = mapped_column(default="")
    begun_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class Mirror(Base):
    """Where a project's repository is pushed on to."""

    __tablename__ = "mirrors"

    avi: Mapped[str] = mapped_column(ForeignKey("avis.name"), primary_key=True)
    url: Mapped[str]
    person: Mapped[str]
    state: Mapped[str] = mapped_column(String(10))
    message: Mapped[str] = mapped_column(default="")
    tries: Mapped[int] = mapped_column(default=0)
    wanted_at: Mapped[datetime]
    """Of the last push that is to be there as well."""
    next_at: Mapped[datetime | None]
    """When it is tried; None: nothing is to be done."""
    done_at: Mapped[datetime | None]
