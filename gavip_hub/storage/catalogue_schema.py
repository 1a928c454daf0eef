"""Tables by which AVIs are found: what a release says of itself in short, and what people keep and use."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from gavip_hub.storage.base import Base
from gavip_hub.storage.schema import Release


class Card(Base):
    """A release in short, kept when it is published: it never changes, and a list needs not read all it declares."""

    __tablename__ = "cards"

    release: Mapped[str] = mapped_column(String(32), ForeignKey("releases.id"), primary_key=True)
    title: Mapped[str]
    summary: Mapped[str]
    authors: Mapped[list[Any]] = mapped_column(JSON)
    keywords: Mapped[list[Any]] = mapped_column(JSON)
    has_interface: Mapped[bool]
    pipelines: Mapped[int]
    """How many people can run by themselves."""
    picture: Mapped[str]
    """Path of its picture in its tree, or nothing."""


class Favourite(Base):
    """An AVI that somebody wants to see first."""

    __tablename__ = "favourites"

    user: Mapped[str] = mapped_column(primary_key=True)
    avi: Mapped[str] = mapped_column(ForeignKey("avis.name"), primary_key=True)
    since: Mapped[datetime]


class Use(Base):
    """That somebody opened an AVI's interface or ran a job of it."""

    __tablename__ = "uses"
    __table_args__ = (Index("uses_by_avi", "avi"),)

    user: Mapped[str] = mapped_column(primary_key=True)
    avi: Mapped[str] = mapped_column(ForeignKey("avis.name"), primary_key=True)
    count: Mapped[int]
    last_used_at: Mapped[datetime]


# A list is found in it alone: beside it the rows hold all that releases declare.
Index("releases_open", Release.avi, Release.state, Release.visibility, Release.standing, Release.id)
