"""A product's job once more, from the portal: what it would read is told, and what is missing is asked for."""

from typing import Any

from typing_extensions import override

from avi_kernel.protocol.api import JobView
from avi_kernel.protocol.products import ProductView
from avi_kernel.protocol.provenance import ProductAgainView
from gavip_hub.exceptions import GavipError
from gavip_hub.handlers.jobs import SUBMIT
from gavip_hub.handlers.page_base import ROOT
from gavip_hub.handlers.product_pages import PRODUCT, ProductPages

INPUT = "input."
LONGEST_PATH = 1000


class ProductAgainPage(ProductPages):
    """Run again what a product comes of."""

    @override
    async def get(self, product: str) -> None:
        await self._show(product, {})

    @override
    async def post(self, product: str) -> None:
        self.require(SUBMIT)
        sent = self.sent()
        given = {
            name.removeprefix(INPUT): value.strip()[:LONGEST_PATH]
            for name, value in sent.items()
            if name.startswith(INPUT) and value.strip()
        }
        try:
            job: JobView = await self.looking_whole(
                self.services.again_products.run,
                **self.asking,
                product=product,
                inputs=given,
                even_if_inputs_differ=sent.get("anyway") == "true",
            )
        except GavipError as error:
            await self._show(product, given, error)
            return
        self.go(f"jobs/{job.id}")

    async def _show(self, product: str, given: dict[str, str], error: GavipError | None = None) -> None:
        view: ProductView = await self.in_thread(self.services.products.get, **self.asking, product=product)
        again: ProductAgainView = await self.looking_whole(
            self.services.again_products.look, **self.asking, product=product
        )
        files = await self._files() if again.inputs else []
        if error:
            self.set_status(error.status_code)
        self.render_page(
            "product_again.html",
            product=view,
            again=again,
            inputs={one.parameter for one in again.inputs},
            files=files,
            given=given,
            differs=error is not None and error.field == "even_if_inputs_differ",
            problem=error.message if error and not again.reason else "",
        )

    async def _files(self) -> list[str]:
        found: list[str] = await self.context.file_threads(self.services.files.some, owner=self.owner)
        return found


ROUTES: list[tuple[str, type[Any], dict[str, Any]]] = [
    (f"{ROOT}products/({PRODUCT})/again", ProductAgainPage, {}),
]
