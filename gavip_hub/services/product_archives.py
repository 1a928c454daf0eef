"""A product as one archive, made while it is sent, for as long as its reader may read it."""

from collections.abc import Callable, Iterator

from avi_kernel.protocol.products import ProductFiles, ProductView
from gavip_hub.domain.products import leaf_of, slug_of
from gavip_hub.exceptions import NotFound
from gavip_hub.services.file_archives import Archive
from gavip_hub.services.products import OpenProductFile
from gavip_hub.storage.zipping import Packed, zipped


def archive_of(
    product: ProductView, *, paged: Callable[[str], ProductFiles], opened: Callable[[str], OpenProductFile]
) -> Archive:
    """Return a product's archive.

    Parameters
    ----------
    paged
        Return the files after one of them.
    opened
        Open one of them; raises NotFound once they may be read no more, at which the archive breaks off.
    """
    name = leaf_of(slug_of(product.title), product.id)
    modified = (product.ready_at or product.created_at).timestamp()
    return Archive(name=f"{name}.zip", pieces=zipped(_packed(name, modified, paged=paged, opened=opened)))


def _packed(
    top: str,
    modified: float,
    *,
    paged: Callable[[str], ProductFiles],
    opened: Callable[[str], OpenProductFile],
) -> Iterator[Packed]:
    try:
        for path in _paths(paged):
            found = opened(path)
            with found.file as file:
                yield Packed(name=f"{top}/{path}", modified=modified, file=file, size=found.entry.size)
    except NotFound:
        raise ConnectionAbortedError("it was taken back") from None


def _paths(paged: Callable[[str], ProductFiles]) -> Iterator[str]:
    after: str | None = ""
    while after is not None:
        page = paged(after)
        yield from (item.path for item in page.items)
        after = page.next
