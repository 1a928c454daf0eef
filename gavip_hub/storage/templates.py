"""What operators did to templates, as it is kept."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from gavip_hub.storage.template_schema import Template

OFFERED, RETIRED = "offered", "retired"


def one(session: Session, name: str) -> Template | None:
    """Return a template; None where no operator ever touched it."""
    return session.get(Template, name)


def every(session: Session) -> Sequence[Template]:
    """Return all, by name."""
    return session.scalars(select(Template).order_by(Template.name)).all()


def of_project(session: Session, avi: str) -> Sequence[Template]:
    """Return the templates that a project's repository is."""
    return session.scalars(select(Template).where(Template.avi == avi).order_by(Template.name)).all()
