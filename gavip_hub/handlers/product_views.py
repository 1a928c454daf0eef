"""A file of a product, looked at in the browser by whoever may read it."""

from typing import Any
from urllib.parse import urlencode

from typing_extensions import override

from avi_kernel.protocol.products import ProductFile, ProductView
from gavip_hub.handlers.contents import ContentPage, Shown, look
from gavip_hub.handlers.notebook_page import NotebookPages
from gavip_hub.handlers.page_base import ROOT
from gavip_hub.handlers.previews import Place
from gavip_hub.handlers.product_pages import LONGEST_PATH, PRODUCT, ProductPages
from gavip_hub.services.products import OpenProductFile


class ShownProductFile(ProductPages):
    """What shows a file of a product."""

    async def opened(self, product: str) -> OpenProductFile:
        """Open the file that is asked for; the caller closes it."""
        path = self.get_query_argument("path", "", strip=False)[:LONGEST_PATH]
        found: OpenProductFile = await self.in_thread(
            self.services.products.open, **self.asking, product=product, path=path
        )
        return found


class ProductFileView(ShownProductFile):
    """A page of what it holds."""

    @override
    async def get(self, product: str) -> None:
        view: ProductView = await self.in_thread(self.services.products.get, **self.asking, product=product)
        with self.context.reads.one(self.require(self.scope)):
            found = await self.opened(product)
            with found.file:
                seen = await look(self, shown_of(found))
        here = f"{ROOT}products/{view.id}"
        told = {"product": view, "file": found.entry, "here": here, "place": place_of(here, found.entry)}
        self.render_page("product_file.html", by_link=False, **told, **seen)


class ProductFileContent(ContentPage, ShownProductFile):
    """A file of a product that is shown as it is."""

    @override
    async def get(self, product: str) -> None:
        with self.context.reads.one(self.require(self.scope)):
            found = await self.opened(product)
            with found.file:
                # Its address leads nowhere once the product is taken back.
                await self.show_content(shown_of(found), lasts=False)


def shown_of(found: OpenProductFile) -> Shown:
    """Return an open file of a product as what is shown."""
    entry = found.entry
    name = entry.path.rpartition("/")[2]
    return Shown(file=found.file, name=name, media_type=entry.media_type, size=entry.size, etag=entry.sha256)


def place_of(here: str, entry: ProductFile) -> Place:
    """Return where the pages of a file of a product are, whose own page is `here`."""
    path = entry.path
    return Place(
        page=f"{here}/view",
        content=f"{here}/view/content",
        download=f"{here}/content?{urlencode({'path': path})}",
        title=path.rpartition("/")[2],
        size=entry.size,
        given={"path": path},
    )


def product_view_routes(notebooks: NotebookPages) -> list[tuple[str, type[Any], dict[str, Any]]]:
    """Return the addresses of these pages."""
    return [
        (f"{ROOT}products/({PRODUCT})/view", ProductFileView, {}),
        (f"{ROOT}products/({PRODUCT})/view/content", ProductFileContent, {"notebooks": notebooks}),
    ]
