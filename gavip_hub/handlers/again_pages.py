"""A job once more, from the portal: one of one's own, or that of a product; what differs or is missing is told."""

from typing import Any

from typing_extensions import override

from avi_kernel.protocol.api import JobView
from avi_kernel.protocol.products import ProductView
from avi_kernel.protocol.provenance import ProductAgainView
from gavip_hub.exceptions import GavipError
from gavip_hub.handlers.job_pages import JobHandler
from gavip_hub.handlers.jobs import SUBMIT
from gavip_hub.handlers.page_base import ROOT
from gavip_hub.handlers.product_pages import LONGEST_PATH, PRODUCT, ProductPages, offered

INPUT = "input."


class JobAgainPage(JobHandler):
    """Run a job again; where an input is not what it was, that is told before."""

    @override
    async def get(self, job_id: str) -> None:
        """Lead back to the job: who reloads the page of a refusal runs nothing."""
        job = await self.job(job_id)
        self.go(f"jobs/{job.id}")

    @override
    async def post(self, job_id: str) -> None:
        profile = self.require(SUBMIT)
        try:
            job: JobView = await self.looking_whole(
                self.services.again.run,
                owner=profile.name,
                groups=profile.groups,
                job=job_id,
                even_if_inputs_differ=_anyway(self.sent()),
            )
        except GavipError as error:
            await self._told(job_id, error)
            return
        self.go(f"jobs/{job.id}")

    async def _told(self, job_id: str, error: GavipError) -> None:
        """Show why it was not run, and what could be done."""
        job = await self.job(job_id)
        found = await self.looking_whole(self.services.again.look, owner=self.owner, job=job_id)
        self.set_status(error.status_code)
        self.render_page("again.html", job=job, again=found, problem="" if found.differing else error.message)


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
                even_if_inputs_differ=_anyway(sent),
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
        files = await offered(self) if again.inputs else []
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


def _anyway(sent: dict[str, str]) -> bool:
    return sent.get("anyway") == "true"


ROUTES: list[tuple[str, type[Any], dict[str, Any]]] = [
    (f"{ROOT}products/({PRODUCT})/again", ProductAgainPage, {}),
]
