"""Products, their files and their shares, as rows."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, delete, func, or_, select
from sqlalchemy.orm import Session, defer

from gavip_hub.domain.products import Kind, ProductState, Reader, Shown, leaf_of
from gavip_hub.storage import rows
from gavip_hub.storage.among import among
from gavip_hub.storage.product_schema import Product, ProductFileRow, Share

_FILES: Any = ProductFileRow.__table__
_GONE = (ProductState.REMOVED,)


def one(session: Session, product: str, *, hold: bool = False) -> Product | None:
    """Return a product that is not removed, whoever asks.

    Parameters
    ----------
    hold
        Whether nobody else changes it until the transaction ends.
    """
    wanted = select(Product).where(Product.id == product, Product.state.not_in(_GONE))
    return session.scalar(wanted.with_for_update() if hold else wanted)


def any_one(session: Session, product: str) -> Product | None:
    """Return a product, removed or not."""
    return session.get(Product, product)


def names(session: Session, products: Collection[str]) -> dict[str, tuple[str, str]]:
    """Return owner and slug by product."""
    wanted = select(Product.id, Product.owner, Product.slug).where(among(session, Product.id, products))
    return {row.id: (row.owner, row.slug) for row in session.execute(wanted)}


def of_leaf(session: Session, *, owner: str, leaf: str) -> str | None:
    """Return which of somebody's products readers find in a folder of this name."""
    wanted = select(Product.id, Product.slug).where(
        Product.owner == owner,
        Product.id.endswith(leaf.rpartition("-")[2], autoescape=True),
        Product.state.not_in(_GONE),
    )
    return next((row.id for row in session.execute(wanted) if leaf_of(row.slug, row.id) == leaf), None)


def owned(
    session: Session, owner: str, *, before: str | None, limit: int, chains: bool = True
) -> Sequence[Product]:
    """Return somebody's own products, newest first."""
    wanted = select(Product).where(Product.owner == owner)
    return _page(session, wanted, before=before, limit=limit, chains=chains)


def shown_to(
    session: Session,
    reader: str,
    *,
    groups: Collection[str],
    now: datetime,
    before: str | None,
    limit: int,
    chains: bool = True,
) -> Sequence[Product]:
    """Return what others share with somebody, newest first.

    Parameters
    ----------
    chains
        Whether with what they come of, which takes longer to read than all else of them.
    """
    theirs = select(Share.product).where(_names(reader, groups, now))
    wanted = select(Product).where(Product.id.in_(theirs), Product.owner != reader)
    ready = wanted.where(Product.state == ProductState.READY)
    return _page(session, ready, before=before, limit=limit, chains=chains)


def open_to(reader: Reader) -> ColumnElement[bool]:
    """Return the condition that a product is somebody's own, or shared with them; for few products that are found otherwise."""
    shared = select(Share.id).where(Share.product == Product.id, _names(*reader))
    return or_(Product.owner == reader.name, shared.exists())


def readable(session: Session, product: str, reader: Reader) -> Product | None:
    """Return a product that is ready and that somebody may read."""
    wanted = select(Product).where(Product.id == product, Product.state == ProductState.READY)
    return session.scalar(wanted.where(open_to(reader)))


def holding(session: Session, sha256: str, reader: Reader) -> tuple[Product, str] | None:
    """Return the oldest product that holds a content, with the file's path in it; of what is shared with groups none is looked at."""
    wanted = select(Product, ProductFileRow.path).join(ProductFileRow, ProductFileRow.product == Product.id)
    wanted = wanted.where(ProductFileRow.sha256 == sha256, Product.state == ProductState.READY)
    apart = reader._replace(groups=())
    # Of the file's column: so an index gives them in order, however many hold the same.
    in_order = wanted.where(open_to(apart)).order_by(ProductFileRow.product, ProductFileRow.path)
    found = session.execute(in_order.limit(1)).first()
    return (found[0], found[1]) if found else None


def making(session: Session) -> Product | None:
    """Return what has waited longest for its files."""
    wanted = select(Product).where(Product.state == ProductState.MAKING).order_by(Product.id)
    return session.scalar(wanted.limit(1))


def used_bytes(session: Session, owner: str) -> int:
    """Return what somebody's products count for in their quota."""
    counted = (ProductState.MAKING, ProductState.READY)
    wanted = select(func.coalesce(func.sum(Product.bytes), 0)).where(Product.owner == owner)
    return int(session.scalar(wanted.where(Product.state.in_(counted))) or 0)


def count_making(session: Session, owner: str) -> int:
    """Return how many of somebody's products are being made."""
    wanted = select(func.count()).select_from(Product).where(Product.owner == owner)
    return session.scalar(wanted.where(Product.state == ProductState.MAKING)) or 0


def files(session: Session, product: str, *, after: str = "", limit: int) -> Sequence[ProductFileRow]:
    """Return files of a product, by name."""
    wanted = select(ProductFileRow).where(ProductFileRow.product == product, ProductFileRow.path > after)
    return session.scalars(wanted.order_by(ProductFileRow.path).limit(limit)).all()


# Made once, since a form asks it of ten products.
_PATHS = (
    select(ProductFileRow.path)
    .where(ProductFileRow.product == bindparam("product"))
    .order_by(ProductFileRow.path)
    .limit(bindparam("limit"))
)


def paths(session: Session, product: str, *, limit: int) -> Sequence[str]:
    """Return paths of files of a product, by name."""
    return session.scalars(_PATHS, {"product": product, "limit": limit}).all()


def file(session: Session, product: str, path: str) -> ProductFileRow | None:
    """Return one file."""
    return session.get(ProductFileRow, (product, path))


def contents(session: Session, product: str) -> dict[str, str]:
    """Return path -> digest of all files."""
    wanted = select(ProductFileRow.path, ProductFileRow.sha256).where(ProductFileRow.product == product)
    return {row.path: row.sha256 for row in session.execute(wanted)}


def put_files(session: Session, files: Sequence[dict[str, Any]]) -> None:
    """Add the files of a product."""
    rows.add(session, _FILES, files)


def forget_files(session: Session, product: str) -> None:
    """Forget the files of a product: contents that nobody else names may go."""
    session.execute(delete(ProductFileRow).where(ProductFileRow.product == product))


def named_among(session: Session, digests: Collection[str]) -> set[str]:
    """Return which of these contents some product names."""
    wanted = select(ProductFileRow.sha256).where(among(session, ProductFileRow.sha256, digests))
    return set(session.scalars(wanted.distinct()))


def share(session: Session, product: str, share: str) -> Share | None:
    """Return a share that was not revoked, of this product."""
    found = session.get(Share, share)
    return found if found and found.product == product and found.revoked_at is None else None


def shares(session: Session, product: str) -> Sequence[Share]:
    """Return the shares of a product that were not revoked, oldest first."""
    wanted = select(Share).where(Share.product == product, Share.revoked_at.is_(None))
    return session.scalars(wanted.order_by(Share.id)).all()


def shares_of(session: Session, products: Collection[str]) -> dict[str, list[Shown]]:
    """Return the shares that were not revoked, by product."""
    found: dict[str, list[Shown]] = defaultdict(list)
    columns = (Share.product, Share.kind, Share.subject, Share.expires_at)
    wanted = select(*columns).where(among(session, Share.product, products), Share.revoked_at.is_(None))
    for product, kind, subject, ends in session.execute(wanted.order_by(Share.id)):
        found[product].append(Shown(kind=kind, subject=subject, expires_at=ends))
    return found


def shown(share: Share) -> Shown:
    """Return a share as it decides who reads."""
    return Shown(
        kind=share.kind, subject=share.subject, expires_at=share.expires_at, revoked_at=share.revoked_at
    )


def by_secret(session: Session, secret_hash: str) -> Share | None:
    """Return the link of this secret."""
    return session.scalar(select(Share).where(Share.kind == Kind.LINK, Share.secret_hash == secret_hash))


def revoke_all(session: Session, product: str, *, at: datetime) -> None:
    """Revoke all shares of a product."""
    for row in shares(session, product):
        row.revoked_at = at
    session.flush()


def ended_between(session: Session, start: datetime, end: datetime) -> set[str]:
    """Return the products of which a share ended by itself in this time."""
    wanted = select(Share.product).where(Share.expires_at > start, Share.expires_at <= end)
    return set(session.scalars(wanted))


def shared_ids(session: Session, *, now: datetime, group: str | None = None) -> list[str]:
    """Return the products that are ready and shared with users, groups or everyone, or with one group."""
    live = select(Share.product).where(_live(now), Share.kind != Kind.LINK)
    if group is not None:
        live = live.where(Share.kind == Kind.GROUP, Share.subject == group)
    wanted = select(Product.id).where(Product.state == ProductState.READY, Product.id.in_(live))
    return list(session.scalars(wanted.order_by(Product.id)))


def groups(session: Session, *, now: datetime) -> set[str]:
    """Return the groups that something is shared with."""
    return set(session.scalars(select(Share.subject).where(Share.kind == Kind.GROUP, _live(now))))


def _names(reader: str, groups: Collection[str], now: datetime) -> ColumnElement[bool]:
    """Return the condition that a share lets somebody read who is not the owner."""
    named = [Share.kind == Kind.EVERYONE, and_(Share.kind == Kind.USER, Share.subject == reader)]
    if groups:
        named.append(and_(Share.kind == Kind.GROUP, Share.subject.in_(groups)))
    return and_(_live(now), or_(*named))


def _live(now: datetime) -> Any:
    return and_(Share.revoked_at.is_(None), or_(Share.expires_at.is_(None), Share.expires_at > now))


def _page(
    session: Session, wanted: Select[Product], *, before: str | None, limit: int, chains: bool
) -> Sequence[Product]:
    wanted = wanted.where(Product.state.not_in(_GONE))
    if not chains:
        wanted = wanted.options(defer(Product.provenance))
    if before:
        wanted = wanted.where(Product.id < before)
    return session.scalars(wanted.order_by(Product.id.desc()).limit(limit)).all()
