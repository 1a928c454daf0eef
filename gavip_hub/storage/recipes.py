"""Recipes of products, as rows: found by what makes the same, for who may read the product alone."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session, defer, load_only

from gavip_hub.domain.products import ProductState, Reader
from gavip_hub.storage.product_schema import Product, ProductFileRow, Recipe
from gavip_hub.storage.products import open_to
from gavip_hub.storage.provenance_schema import Facts

MOST_PLACES = 50
"""Products that hold the same content, of which one is taken."""


def of(session: Session, product: str) -> Recipe | None:
    """Return what a product's job ran with; None where that was not kept."""
    return session.get(Recipe, product)


def keep(session: Session, product: str, *, key: str | None, whole: bool, made: dict[str, Any]) -> None:
    """Keep what a product's job ran with, once and for good."""
    if session.get(Recipe, product) is None:
        session.add(Recipe(product=product, key=key, whole=whole, made=made))
        session.flush()


def forget(session: Session, product: str) -> None:
    """Forget it: the product is removed."""
    session.execute(delete(Recipe).where(Recipe.product == product))


def waiting(session: Session, *, job: str | None = None) -> Sequence[Product]:
    """Return products that are ready, whose jobs are closed, and which have no recipe yet.

    Parameters
    ----------
    job
        Of this one alone; None: of all, which takes a while.
    """
    wanted = (
        select(Product)
        .join(Facts, Facts.job == Product.job)
        .outerjoin(Recipe, Recipe.product == Product.id)
        .where(Product.state == ProductState.READY, Facts.closed_at.is_not(None), Recipe.product.is_(None))
    )
    return session.scalars(wanted.where(Product.job == job) if job else wanted).all()


def with_key(session: Session, reader: Reader, key: str) -> Product | None:
    """Return the newest whole product of this key that somebody may read.

    One statement: that there is one of which they must not know makes no step more.
    """
    same = select(Recipe.product).where(Recipe.key == key, Recipe.whole)
    wanted = (
        select(Product)
        .where(Product.id.in_(same), Product.state == ProductState.READY)
        .where(open_to(reader))
        .order_by(Product.id.desc())
        .limit(1)
    )
    return session.scalar(wanted)


def of_avi(session: Session, reader: Reader, avi: str, *, limit: int) -> list[tuple[Product, Recipe]]:
    """Return whole products of an AVI that somebody may read, newest first."""
    wanted = (
        select(Product, Recipe)
        .options(defer(Product.provenance))
        .join(Recipe, Recipe.product == Product.id)
        .where(Product.avi == avi, Recipe.key.is_not(None), Recipe.whole)
        .where(Product.state == ProductState.READY, open_to(reader))
        .order_by(Product.id.desc())
        .limit(limit)
    )
    return [(row.Product, row.Recipe) for row in session.execute(wanted)]


def places(session: Session, reader: Reader, sha256: str) -> list[tuple[Product, str]]:
    """Return products that somebody may read and that hold a content, newest first, with the file's name there.

    Of each product what tells where a reader finds it, and nothing else.
    """
    wanted = (
        select(Product, ProductFileRow.path)
        .options(load_only(Product.owner, Product.slug))
        .join(ProductFileRow, ProductFileRow.product == Product.id)
        .where(ProductFileRow.sha256 == sha256, Product.state == ProductState.READY)
        .where(open_to(reader))
        # Of the file's column: so an index gives them in order, however many hold the same.
        .order_by(ProductFileRow.product.desc(), ProductFileRow.path)
        .limit(MOST_PLACES)
    )
    return [(row.Product, row.path) for row in session.execute(wanted)]
