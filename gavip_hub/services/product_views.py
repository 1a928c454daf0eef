"""Products as people see them."""

from collections.abc import Collection, Sequence
from datetime import datetime

from avi_kernel.protocol.products import ProductFile, ProductView, ShareView
from gavip_hub.domain.citing import Cited, bibtex, citation
from gavip_hub.domain.products import ProductState, Shown, leaf_of, seen_path
from gavip_hub.storage.product_schema import Product, ProductFileRow, Share


def product_view(
    row: Product,
    shares: Sequence[Shown],
    *,
    viewer: str,
    groups: Collection[str],
    page: str,
    now: datetime,
    chain: bool = True,
) -> ProductView:
    """Return a product as its owner or a reader sees it.

    Parameters
    ----------
    page
        Address of its page, which is cited.
    chain
        Whether with what it comes of.
    """
    is_own, is_ready = row.owner == viewer, row.state == ProductState.READY
    seen = seen_by(row, shares, viewer, groups, now)
    cited = _cited(row, page)
    return ProductView(
        id=row.id,
        owner=row.owner,
        title=row.title,
        description=row.description,
        licence=row.licence,
        state=row.state,
        reason=row.reason if is_own else "",
        files=row.files,
        bytes=row.bytes,
        copied_bytes=row.copied_bytes,
        path=row.path if is_own else "",
        job=row.job,
        avi=row.avi,
        version=row.version,
        avi_title=row.avi_title,
        authors=row.authors,
        provenance=row.provenance if chain else None,
        created_at=row.created_at,
        ready_at=row.ready_at,
        may="own" if is_own else "read",
        container_path=seen if is_ready else "",
        citation=citation(cited),
        bibtex=bibtex(cited),
    )


def seen_by(
    row: Product, shares: Sequence[Shown], reader: str, groups: Collection[str], now: datetime
) -> str:
    """Return the path by which a reader's containers find a product; empty: by none."""
    leaf = leaf_of(row.slug, row.id)
    return seen_path(shares, owner=row.owner, leaf=leaf, reader=reader, groups=groups, now=now)


def file_view(row: ProductFileRow) -> ProductFile:
    """Return one file."""
    return ProductFile(path=row.path, size=row.size, sha256=row.sha256, media_type=row.media_type)


def share_view(row: Share, *, url: str = "", is_known: bool | None = None) -> ShareView:
    """Return who may read."""
    return ShareView.model_validate(
        {
            "id": row.id,
            "product": row.product,
            "kind": row.kind,
            "subject": row.subject,
            "created_at": row.created_at,
            "expires_at": row.expires_at,
            "is_known": is_known,
            "url": url,
        }
    )


def _cited(row: Product, page: str) -> Cited:
    return Cited(
        product=row.id,
        title=row.title,
        owner=row.owner,
        authors=row.authors,
        avi_title=row.avi_title,
        version=row.version or "",
        year=(row.ready_at or row.created_at).year,
        url=page,
    )
