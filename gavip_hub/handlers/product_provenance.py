"""Where products are from, in the words of others; what made them, once more; and answers of AVIs from products alone."""

from functools import partial
from typing import Any, BinaryIO

from typing_extensions import override

from avi_kernel.protocol.api import JobView
from avi_kernel.protocol.products import ProductView
from avi_kernel.protocol.provenance import (
    AnswerAsk,
    AnswerView,
    ProductAgainView,
    ProvenanceView,
    RunProductAgain,
)
from gavip_hub.exceptions import (
    BadParameter,
    Conflict,
    NoRoom,
    NotFound,
    QueueFull,
    SpaceFull,
    TooLarge,
    Withdrawn,
)
from gavip_hub.handlers.chains import CRATE, PROV_JSON, ZIP, ChainApi
from gavip_hub.handlers.context import PREFIX
from gavip_hub.handlers.downloads import send_pieces
from gavip_hub.handlers.jobs import SUBMIT
from gavip_hub.handlers.operations import ApiHandler, operation
from gavip_hub.handlers.products import READ, ProductApi
from gavip_hub.services import provenance_export as export

FILES_AT_ONCE = 1000
"""Of a product, as a page lists them; a job's results are no more."""


class ProductChain(ProductApi, ChainApi):
    """Whatever tells where a product is from, in the words of others."""

    async def product(self, product: str) -> tuple[ProductView, ProvenanceView]:
        """Return a product with its chain.

        Raises
        ------
        NotFound
            There is no such product that is open to who asks, or it is of no job.
        """
        view: ProductView = await self.in_thread(
            self.services.products.get, **self.as_viewer(), product=product
        )
        if view.provenance is None:
            raise NotFound(
                f"The product {product[:40]} is made of files: what these come of, its owner says."
            )
        return view, chain_of(view)

    async def crate(self, product: str) -> export.CrateOf:
        """Return what the crate of a product is made of."""
        view, chain = await self.product(product)
        about: ProductAgainView = await self.looking_whole(
            self.services.again_products.look, **self.as_viewer(), product=product
        )
        workflow = None
        if about.avi:
            workflow = await self.workflow(
                avi=about.avi,
                version=about.version,
                pipeline=about.pipeline,
                parameters=about.parameters,
            )
        described = view.description or f"The product {view.id}, and what it comes of."
        said = {"name": view.title, "description": described, "licence": view.licence}
        return export.CrateOf(view=chain, base=self.base, workflow=workflow, **said)


class ProductProv(ProductChain):
    """The chain in W3C PROV."""

    path = "/products/{product}/prov"

    @override
    @operation(
        id="products.prov",
        summary="Tell where a product is from, as W3C PROV-JSON with IVOA terms",
        scope=READ,
        media_type=PROV_JSON,
        errors=(NotFound,),
    )
    async def get(self, product: str) -> None:
        """Send it as a file."""
        _, chain = await self.product(product)
        await self.send_prov(chain, product)


class ProductCrate(ProductChain):
    """The chain as a research object."""

    path = "/products/{product}/crate"

    @override
    @operation(
        id="products.crate",
        summary="Tell where a product is from, as metadata of a Workflow Run RO-Crate",
        scope=READ,
        media_type=CRATE,
        errors=(NotFound, NoRoom),
    )
    async def get(self, product: str) -> None:
        """Send `ro-crate-metadata.json`."""
        await self.send_crate(await self.crate(product))


class ProductCrateFiles(ProductChain):
    """The chain as a research object, files and all."""

    is_stream = True
    path = "/products/{product}/crate/files"

    @override
    @operation(
        id="products.archive",
        summary="Download a product as a Workflow Run RO-Crate, a zip",
        scope=READ,
        media_type=ZIP,
        errors=(NotFound, NoRoom),
    )
    async def get(self, product: str) -> None:
        """Send it piece by piece."""
        with self.context.reads.one(self.person()):
            of = await self.crate(product)
            files = await self.in_thread(
                self.services.products.files, **self.as_viewer(), product=product, limit=FILES_AT_ONCE
            )
            names = {file.path for file in files.items}
            opened = partial(self._open, self.as_viewer(), product)
            pieces = export.crate_pieces(of, open_result=opened, names=names)
            await send_pieces(self, pieces, name=f"{product}.crate.zip", media_type=ZIP)

    def _open(self, asking: dict[str, Any], product: str, name: str) -> BinaryIO:
        found = self.services.products.open(**asking, product=product, path=name)
        return found.file


class ProductAgain(ProductApi):
    """Run again what a product comes of."""

    path = "/products/{product}/again"

    @override
    @operation(
        id="products.same",
        summary="Tell what running a product's job again would read, and whether you can",
        scope=READ,
        returns=ProductAgainView,
        errors=(NotFound, NoRoom),
    )
    async def get(self, product: str) -> ProductAgainView:
        """Return its values, and for each input a file with the same content that the asker may read."""
        found: ProductAgainView = await self.looking_whole(
            self.services.again_products.look, **self.as_viewer(), product=product
        )
        return found

    @override
    @operation(
        id="products.again",
        summary="Run a product's job again, for yourself: same release, parameters and inputs",
        scope=SUBMIT,
        body=RunProductAgain,
        returns=JobView,
        status=201,
        errors=(NotFound, Withdrawn, Conflict, BadParameter, TooLarge, NoRoom, QueueFull, SpaceFull),
    )
    async def post(self, product: str, body: RunProductAgain) -> JobView:
        """Submit it; what comes of it is compared with the product."""
        job: JobView = await self.looking_whole(
            self.services.again_products.run,
            **self.as_viewer(),
            product=product,
            inputs=body.inputs,
            even_if_inputs_differ=body.even_if_inputs_differ,
        )
        self.set_header("Location", f"{PREFIX}/api/jobs/{job.id}")
        return job


class Answers(ProductApi):
    """What an AVI answers from products that are there."""

    path = "/avis/{avi}/answers"

    @override
    @operation(
        id="avis.ask",
        summary="Ask for a product that was made with these values; nothing is run",
        scope=READ,
        body=AnswerAsk,
        returns=AnswerView,
        errors=(NotFound, Withdrawn, BadParameter, NoRoom),
    )
    async def post(self, avi: str, body: AnswerAsk) -> AnswerView:
        """Return it, or which values there are products of."""
        found: AnswerView = await self.looking_whole(
            self.services.answers.ask, **self.as_viewer(), avi=avi, ask=body
        )
        return found


def chain_of(view: ProductView) -> ProvenanceView:
    """Return a product's chain; only its owner is led on to the jobs in it, which nobody else may see."""
    chain = ProvenanceView.model_validate(view.provenance)
    if view.may == "own":
        return chain
    return chain.model_copy(update={"nodes": [node.model_copy(update={"url": ""}) for node in chain.nodes]})


HANDLERS: tuple[type[ApiHandler], ...] = (
    ProductProv,
    ProductCrate,
    ProductCrateFiles,
    ProductAgain,
    Answers,
)
