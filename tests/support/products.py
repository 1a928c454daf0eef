"""Products on a real database and in real folders, with a clock that tests move: a desk at which they are shared."""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from avi_kernel.protocol.products import ProductMake, ProductView, ShareMake, ShareView
from gavip_hub.services.product_drafts import ProductDrafts
from gavip_hub.services.product_making import ProductMaker
from gavip_hub.services.products import ProductService
from gavip_hub.services.shares import ShareService
from gavip_hub.services.showing import Showing
from gavip_hub.storage.blobs import Blobs
from gavip_hub.storage.database import Database
from gavip_hub.storage.disk import DiskSpace
from gavip_hub.storage.product_sources import Sources
from gavip_hub.storage.shared_trees import SharedTrees
from tests.support.engine import Engine

GROUPS = {"ann": ["survey"], "bob": ["survey"], "carl": [], "eve": []}
"""Who is in which group."""


class ProductDesk:
    """What makes and shares products, as one service's process has it; `again()` as often as that restarts."""

    def __init__(self, database: Database, root: Path, **settings: Any) -> None:
        self.root = root
        self.engine = Engine(database, root, settings=settings)
        self.clock = self.engine.clock
        self.again()

    def again(self) -> None:
        """Begin anew, as after a crash: nothing but disk and database is left."""
        common: dict[str, Any] = {"database": self.engine.database, "clock": self.clock}
        self.blobs = Blobs(root=self.root)
        self.trees = SharedTrees(root=self.root, blobs=self.blobs)
        self.showing = Showing(trees=self.trees, **common)
        making: dict[str, Any] = {
            "blobs": self.blobs,
            "showing": self.showing,
            "disk": DiskSpace(root=self.root, reserve_mb=0),
        }
        reading: dict[str, Any] = {"sources": Sources(root=self.root), **common}
        self.products = ProductService(
            quotas=self.engine.quotas,
            drafts=ProductDrafts(jobs=self.engine.jobs, **reading),
            page_of=lambda one: f"https://g/products/{one}",
            **making,
            **common,
        )
        self.shares = ShareService(
            owned=self.products,
            showing=self.showing,
            link_of=lambda secret: f"https://g/p/{secret}",
            **common,
        )
        self.maker = ProductMaker(folders=self.engine.folders, **making, **reading)

    def write(self, path: str, content: bytes = b"stars", *, owner: str = "ann") -> Path:
        """Write a file of somebody's space."""
        file = self.root / "users" / owner / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        return file

    def begin(self, path: str = "data", *, owner: str = "ann", **more: Any) -> ProductView:
        return self.products.make(owner=owner, groups=GROUPS[owner], asked=ProductMake(path=path, **more))

    def made(self, path: str = "data", *, owner: str = "ann", **more: Any) -> str:
        """Return a product that is ready, of what lies at a path."""
        product = self.begin(path, owner=owner, **more).id
        self.maker.look()
        return product

    def share(self, product: str, kind: str, subject: str = "", *, days: int | None = None) -> ShareView:
        end = self.clock.now() + timedelta(days=days) if days else None
        asked = ShareMake(kind=kind, subject=subject, expires_at=end)
        return self.shares.make(owner="ann", groups=GROUPS["ann"], product=product, asked=asked)

    def know_groups(self) -> None:
        """Learn from the Hub who is in the group."""
        self.showing.know_members({"survey": [name for name, groups in GROUPS.items() if groups]})

    def get(self, viewer: str, product: str) -> ProductView:
        return self.products.get(viewer=viewer, groups=GROUPS[viewer], product=product)

    def read(self, viewer: str, product: str, path: str) -> bytes:
        found = self.products.open(viewer=viewer, groups=GROUPS[viewer], product=product, path=path)
        with found.file as file:
            return file.read()

    def shown(self) -> dict[str, bytes]:
        """Return all that lies below `shared`, by path."""
        shared = self.root / "shared"
        files = (path for path in shared.rglob("*") if path.is_file())
        return {str(path.relative_to(shared)): path.read_bytes() for path in files}

    def kept(self) -> set[str]:
        """Return the digests of all contents that are kept, after a look that each is its own."""
        found = [path for path in (self.root / "products" / "blobs").rglob("*") if path.is_file()]
        for path in found:
            assert hashlib.sha256(path.read_bytes()).hexdigest() == path.name
            assert path.stat().st_mode & 0o777 == 0o444
        return {path.name for path in found}

    def left_over(self) -> list[str]:
        """Return what lies half done."""
        return [
            path.name for part in ("aside", "trees") for path in (self.root / "products" / part).iterdir()
        ]


class Killed(BaseException):
    """The process ends here."""


def dies_at(monkeypatch: Any, owner: Any, name: str, *, after: bool = False) -> None:
    """Let the process end before a step, or right after it."""
    real: Callable[..., Any] = getattr(owner, name)

    def step(*given: Any, **more: Any) -> Any:
        if after:
            real(*given, **more)
        raise Killed

    monkeypatch.setattr(owner, name, step)
