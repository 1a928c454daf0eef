"""Products: made of a path or of a job's results, read by whom they are shared with, removed by their owners."""

import logging
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO, Literal

from sqlalchemy.orm import Session

from avi_kernel.protocol.products import (
    ProductChange,
    ProductFile,
    ProductFiles,
    ProductList,
    ProductMake,
    ProductView,
)
from gavip_hub.clock import Clock
from gavip_hub.config import MB
from gavip_hub.domain.products import ProductState, Shown, reads
from gavip_hub.exceptions import Forbidden, NoRoom, NotFound
from gavip_hub.services.product_drafts import ProductDrafts, name_avi
from gavip_hub.services.product_views import file_view, product_view, seen_by
from gavip_hub.services.quotas import QuotaService
from gavip_hub.services.showing import Showing
from gavip_hub.storage import events, products, recipes, spaces
from gavip_hub.storage.blobs import Blobs
from gavip_hub.storage.database import Database
from gavip_hub.storage.disk import DiskSpace
from gavip_hub.storage.product_schema import Product

log = logging.getLogger(__name__)
MOST_MAKING = 8
"""Products of one person that are being made."""
MOST_PICKED = 10
"""Products, and files of each, that a form offers."""
STATE = "product.state"
"""Kind of the event that tells how far a product is."""


@dataclass(frozen=True, kw_only=True)
class OpenProductFile:
    """A file of a product with its content."""

    entry: ProductFile
    file: BinaryIO


class ProductService:
    """Products of all; each method that changes something is one transaction.

    Parameters
    ----------
    page_of
        Address of a product's page, by its id.
    """

    def __init__(
        self,
        *,
        database: Database,
        quotas: QuotaService,
        drafts: ProductDrafts,
        blobs: Blobs,
        showing: Showing,
        disk: DiskSpace,
        clock: Clock,
        page_of: Callable[[str], str],
    ) -> None:
        self._database = database
        self._quotas = quotas
        self._drafts = drafts
        self._blobs = blobs
        self._showing = showing
        self._disk = disk
        self._clock = clock
        self._page_of = page_of

    def make(self, *, owner: str, groups: Iterable[str], asked: ProductMake) -> ProductView:
        """Begin to make a product; its files are copied by a round.

        Raises
        ------
        NotFound
            There is no such file, folder or job.
        BadParameter
            Neither a path nor a job was named, or it cannot be a product.
        SpaceFull
            It does not fit into the quota.
        NoRoom
            Too many are being made.
        DiskFull
            The platform's disk is full.
        """
        self._disk.require_room()
        made = self._drafts.of(owner, asked)
        with self._database.transaction() as session:
            self._quotas.hold(session, owner)
            if products.count_making(session, owner) >= MOST_MAKING:
                raise NoRoom(f"{MOST_MAKING} of your products are being made: wait until one is ready.")
            coming_mb = made.bytes / MB
            used = self._quotas.require_fit(session, owner=owner, groups=groups, coming_mb=coming_mb)
            name_avi(session, made)
            session.add(made)
            session.flush()
            now = self._clock.now()
            spaces.put(session, owner, used_mb=used + round(coming_mb), at=now)
            tell(session, made, at=now)
            return self._view(session, made, viewer=owner, groups=())

    def page(
        self,
        *,
        viewer: str,
        groups: Collection[str],
        which: Literal["mine", "shared"] = "mine",
        before: str | None = None,
        limit: int = 50,
        chains: bool = True,
    ) -> ProductList:
        """Return one's own products, or what others share, newest first; with what they come of, or without."""
        asked: dict[str, Any] = {"before": before, "limit": limit + 1, "chains": chains}
        with self._database.reading() as session:
            if which == "mine":
                found = products.owned(session, viewer, **asked)
            else:
                now, member = self._clock.now(), self._showing.groups_of(viewer, groups)
                found = products.shown_to(session, viewer, groups=member, now=now, **asked)
            shares = products.shares_of(session, [row.id for row in found])
            items = [
                self._viewed(row, shares.get(row.id, []), viewer=viewer, groups=groups, chain=chains)
                for row in found[:limit]
            ]
        return ProductList(items=items, next=items[-1].id if len(found) > limit else None)

    def get(self, *, viewer: str, groups: Collection[str], product: str) -> ProductView:
        """Return a product that somebody may read.

        Raises
        ------
        NotFound
            There is none, or it is not for them.
        """
        with self._database.reading() as session:
            row = self._readable(session, viewer, groups, product)
            return self._view(session, row, viewer=viewer, groups=groups)

    def files(
        self, *, viewer: str, groups: Collection[str], product: str, after: str = "", limit: int = 200
    ) -> ProductFiles:
        """Return the files of a product that somebody may read."""
        with self._database.reading() as session:
            self._readable(session, viewer, groups, product)
            return _files(session, product, after=after, limit=limit)

    def some_files(self, *, viewer: str, groups: Collection[str]) -> list[str]:
        """Return paths of files of the newest products that others share, as jobs find them, to pick one from."""
        now, member = self._clock.now(), self._showing.groups_of(viewer, groups)
        with self._database.reading() as session:
            newest = products.shown_to(
                session, viewer, groups=member, now=now, before=None, limit=MOST_PICKED, chains=False
            )
            shares = products.shares_of(session, [one.id for one in newest])
            folders = {one.id: seen_by(one, shares.get(one.id, []), viewer, member, now) for one in newest}
            return [
                f"{folder}/{path}"
                for product, folder in folders.items()
                for path in products.paths(session, product, limit=MOST_PICKED)
            ]

    def open(self, *, viewer: str, groups: Collection[str], product: str, path: str) -> OpenProductFile:
        """Open a file of a product that somebody may read; the caller closes it.

        Raises
        ------
        NotFound
            It has no such file, or is not for them.
        """
        with self._database.reading() as session:
            self._readable(session, viewer, groups, product)
            return self._open(session, product, path)

    def linked(self, product: str, *, after: str = "") -> tuple[ProductView, ProductFiles]:
        """Return a product and its files for whom a link let in: see `ShareService.linked`."""
        with self._database.reading() as session:
            row = self._ready(session, product)
            view = self._viewed(row, [], viewer="", groups=())
            return view.model_copy(update={"job": None, "provenance": None}), _files(
                session, product, after=after
            )

    def open_linked(self, product: str, path: str) -> OpenProductFile:
        """Open a file for whom a link let in."""
        with self._database.reading() as session:
            self._ready(session, product)
            return self._open(session, product, path)

    def describe(
        self, *, owner: str, product: str, change: ProductChange, groups: Collection[str] = ()
    ) -> ProductView:
        """Change what is said of a product.

        Parameters
        ----------
        groups
            Whose members may read it: they are told whose it is.

        Raises
        ------
        NotFound
            There is none, or it is not for them.
        Forbidden
            It is another's.
        """
        with self._database.transaction() as session:
            row = self.own(session, owner, product, groups)
            if change.title is not None:
                row.title = change.title.strip() or row.title
            if change.description is not None:
                row.description = change.description
            if change.licence is not None:
                row.licence = change.licence
            session.flush()
            return self._view(session, row, viewer=owner, groups=())

    def remove(self, *, owner: str, product: str, groups: Collection[str] = ()) -> None:
        """Remove a product: its shares end at once, and what it alone holds goes from the disk.

        Raises
        ------
        NotFound
            There is none, or it is not for them.
        Forbidden
            It is another's.
        """
        with self._database.transaction() as session:
            self._quotas.hold(session, owner)
            row, now = self.own(session, owner, product, groups), self._clock.now()
            row.state, row.removed_at = ProductState.REMOVED, now
            space = spaces.of(session, owner)
            if space is not None:
                used_mb = max(0, space.used_mb - row.bytes // MB)
                spaces.put(session, owner, used_mb=used_mb, at=space.measured_at)
            products.revoke_all(session, product, at=now)
            products.forget_files(session, product)
            recipes.forget(session, product)
            tell(session, row, at=now)
        self._showing.settle(product)
        log.info("%s removed the product %s", owner, product)

    def own(
        self,
        session: Session,
        owner: str,
        product: str,
        groups: Collection[str] = (),
        *,
        hold: bool = True,
    ) -> Product:
        """Return a product that is somebody's own; see `remove` for what it raises."""
        row = products.one(session, product, hold=hold)
        if row is not None and row.owner == owner:
            return row
        if row is None or not self._reads(session, row, owner, groups):
            raise _no(product)
        raise Forbidden(f"This product is {row.owner}'s: its owner alone changes and shares it.")

    def _readable(self, session: Session, viewer: str, groups: Collection[str], product: str) -> Product:
        row = products.one(session, product)
        if row is None or not (row.owner == viewer or self._reads(session, row, viewer, groups)):
            raise _no(product)
        return row

    def _reads(self, session: Session, row: Product, reader: str, groups: Collection[str]) -> bool:
        shares = products.shares_of(session, [row.id]).get(row.id, [])
        member = self._showing.groups_of(reader, groups)
        is_ready = row.state == ProductState.READY
        return is_ready and reads(shares, reader=reader, groups=member, now=self._clock.now())

    def _ready(self, session: Session, product: str) -> Product:
        row = products.one(session, product)
        if row is None or row.state != ProductState.READY:
            raise _no(product)
        return row

    def _open(self, session: Session, product: str, path: str) -> OpenProductFile:
        row = products.file(session, product, path)
        if row is None:
            raise NotFound(f"The product {product[:40]} has no file {path[:80]!r}.")
        return OpenProductFile(entry=file_view(row), file=self._blobs.open(row.sha256))

    def _view(self, session: Session, row: Product, *, viewer: str, groups: Collection[str]) -> ProductView:
        shares = products.shares_of(session, [row.id]).get(row.id, [])
        return self._viewed(row, shares, viewer=viewer, groups=groups)

    def _viewed(
        self,
        row: Product,
        shares: list[Shown],
        *,
        viewer: str,
        groups: Collection[str],
        chain: bool = True,
    ) -> ProductView:
        page, now = self._page_of(row.id), self._clock.now()
        member = self._showing.groups_of(viewer, groups)
        return product_view(row, shares, viewer=viewer, groups=member, page=page, now=now, chain=chain)


def tell(session: Session, row: Product, *, at: datetime) -> None:
    """Note for its owner how far a product is; last in a transaction."""
    done = row.copied_bytes / row.bytes if row.bytes else 0.0
    fraction = 1.0 if row.state == ProductState.READY else min(1.0, done)
    data = {"state": str(row.state), "fraction": round(fraction, 3)}
    events.append(session, owner=row.owner, kind=STATE, subject=row.id, data=data, at=at)


def _files(session: Session, product: str, *, after: str = "", limit: int = 200) -> ProductFiles:
    found = products.files(session, product, after=after, limit=limit + 1)
    items = [file_view(row) for row in found[:limit]]
    return ProductFiles(items=items, next=items[-1].path if len(found) > limit else None)


def _no(product: str) -> NotFound:
    return NotFound(f"There is no product {product[:40]!r} that is open to you.")
