"""Table of templates that AVIs are made of."""

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from gavip_hub.storage.base import Base


class Template(Base):
    """A template that an operator added, or what an operator changed of one that comes with the platform."""

    __tablename__ = "templates"

    name: Mapped[str] = mapped_column(String(20), primary_key=True)
    title: Mapped[str]
    summary: Mapped[str]
    avi: Mapped[str | None] = mapped_column(ForeignKey("avis.name"))
    """Project whose repository it is; None: it comes with the platform."""
    version: Mapped[str] = mapped_column(String(40))
    commit: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(10))
    changed_by: Mapped[str]
    changed_at: Mapped[datetime]
