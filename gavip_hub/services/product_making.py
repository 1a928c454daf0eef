"""Makes products: copies what they are made of, and removes what no product names any more."""

import logging
from collections.abc import Iterator
from functools import partial
from typing import Any

from avi_kernel.protocol.runs import RESULTS_FOLDER
from gavip_hub.clock import Clock
from gavip_hub.domain.products import ProductState
from gavip_hub.exceptions import Conflict, DatabaseAway, DiskFull, GavipError, NotFound, is_full_disk
from gavip_hub.services.products import tell
from gavip_hub.services.recipes import Snapshot, keep_recipe, no_snapshot
from gavip_hub.services.showing import Showing
from gavip_hub.storage import products
from gavip_hub.storage.blobs import Blobs
from gavip_hub.storage.database import Database
from gavip_hub.storage.disk import DiskSpace
from gavip_hub.storage.product_schema import Product
from gavip_hub.storage.product_sources import SourceFile, Sources, media_type_of
from gavip_hub.storage.schema import Result
from gavip_hub.storage.userspace import AttemptFolders

log = logging.getLogger(__name__)
TELL_SECONDS = 1.0
LOOK_WHOLE_SECONDS = 3600.0
"""How often all is brought together anew, whatever was told."""


class Dropped(Exception):
    """The product was removed while it was made."""


class ProductMaker:
    """Works on one thread alone: no content that is being kept is taken for one that nobody names."""

    def __init__(
        self,
        *,
        database: Database,
        blobs: Blobs,
        sources: Sources,
        folders: AttemptFolders,
        showing: Showing,
        disk: DiskSpace,
        clock: Clock,
        snapshot: Snapshot = no_snapshot,
    ) -> None:
        self._database = database
        self._blobs = blobs
        self._sources = sources
        self._folders = folders
        self._showing = showing
        self._disk = disk
        self._clock = clock
        self._snapshot = snapshot
        self._whole_at = float("-inf")
        self._prepared = False
        self._told_at = float("-inf")

    def look(self) -> None:
        """Make what waits, and now and then bring disk and rows together."""
        if not self._prepared:
            self._showing.prepare()
            self._blobs.prepare()
            self._prepared = True
        if self._clock.monotonic() - self._whole_at >= LOOK_WHOLE_SECONDS:
            self._showing.settle_all()
            self.collect()
            self._whole_at = self._clock.monotonic()
        while (product := self._next()) is not None:
            self._make(product)

    def collect(self) -> None:
        """Remove the contents that no product names."""
        for digests in self._blobs.by_folder():
            with self._database.reading() as session:
                named = products.named_among(session, digests)
            self._blobs.remove(set(digests) - named)

    def _next(self) -> Product | None:
        with self._database.reading() as session:
            return products.making(session)

    def _make(self, product: Product) -> None:
        self._disk.require_room()
        try:
            files = self._kept(product)
        except Dropped:
            return
        except (DiskFull, DatabaseAway):
            raise
        except GavipError as error:
            self._end(product, ProductState.FAILED, reason=error.message)
            return
        except OSError as error:
            if is_full_disk(error):
                raise
            self._end(product, ProductState.FAILED, reason=f"It could not be read ({error.strerror}).")
            return
        self._end(product, ProductState.READY, files=files)
        self._showing.settle(product.id)

    def _kept(self, product: Product) -> list[dict[str, Any]]:
        files: list[dict[str, Any]] = []
        copied = 0
        for one in self._opened(product):
            blob = self._blobs.keep(
                one.file,
                most=product.bytes - copied,
                told=partial(self._progress, product, before=copied),
            )
            if one.sha256 and one.sha256 != blob.sha256:
                raise Conflict(f"{one.path} is not what its job made; nothing was shared.")
            copied += blob.size
            row = {"path": one.path, "size": blob.size, "sha256": blob.sha256, "media_type": one.media_type}
            files.append({"product": product.id, **row})
        if not files:
            raise NotFound("What it was to be made of is gone.")
        return files

    def _opened(self, product: Product) -> Iterator[SourceFile]:
        if product.job is None:
            yield from self._sources.below(product.owner, product.path.split("/"))
            return
        for name in product.results:
            with self._database.reading() as session:
                row = session.get(Result, (product.job, name))
            if row is None:
                raise NotFound(f"The job's result {name} is gone.")
            parts = [RESULTS_FOLDER, name]
            asked: dict[str, Any] = {
                "owner": product.owner,
                "job": product.job,
                "attempt": row.attempt,
                "parts": parts,
            }
            with self._folders.open(**asked) as file:
                media_type = row.media_type or media_type_of(name)
                yield SourceFile(path=name, file=file, media_type=media_type, sha256=row.sha256)

    def _progress(self, product: Product, size: int, *, before: int) -> None:
        """Tell how far it is, once a second; and notice that it was removed meanwhile."""
        now = self._clock.monotonic()
        if now - self._told_at < TELL_SECONDS:
            return
        self._told_at = now
        with self._database.transaction() as session:
            row = products.one(session, product.id, hold=True)
            if row is None or row.state != ProductState.MAKING:
                raise Dropped
            row.copied_bytes = before + size
            session.flush()
            tell(session, row, at=self._clock.now())

    def _end(
        self,
        product: Product,
        state: ProductState,
        *,
        reason: str = "",
        files: list[dict[str, Any]] | None = None,
    ) -> None:
        with self._database.transaction() as session:
            row = products.one(session, product.id, hold=True)
            if row is None or row.state != ProductState.MAKING:
                return  # removed meanwhile
            products.put_files(session, files or [])
            row.state, row.reason = state, reason
            row.files = len(files or [])
            row.bytes = row.copied_bytes = sum(file["size"] for file in files or [])
            row.ready_at = self._clock.now() if state == ProductState.READY else None
            session.flush()
            if state == ProductState.READY:
                keep_recipe(session, row, self._snapshot)
            tell(session, row, at=self._clock.now())
        log.info("The product %s of %s is %s %s", product.id, product.owner, state, reason)
