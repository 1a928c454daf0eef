"""Which AVIs run jobs for whom: of some, products alone are to be had."""

from sqlalchemy.orm import Session

from gavip_hub.exceptions import Forbidden
from gavip_hub.storage import members, releases

PRODUCTS = "products"
"""The setting of an AVI that runs nothing for who is none of its people."""


def is_only(session: Session, *, avi: str, viewer: str) -> bool:
    """Tell whether somebody gets products of an AVI alone, being none of its people."""
    project = releases.avi(session, avi)
    if project is None or project.answers != PRODUCTS:
        return False
    return project.owner != viewer and members.right(session, avi=avi, user=viewer) is None


def require_jobs(session: Session, *, avi: str, viewer: str) -> None:
    """Refuse a job of who gets products alone.

    Raises
    ------
    Forbidden
        With what they can ask for instead.
    """
    if is_only(session, avi=avi, viewer=viewer):
        raise Forbidden(
            f"{avi} answers from products that are there and runs nothing for you: POST /avis/{avi}/answers tells which "
            "there are, and so does its form in the portal."
        )
