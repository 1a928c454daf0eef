"""Products and their shares, over the REST interface."""

from typing import Annotated, Any, Literal

from pydantic import Field
from typing_extensions import override

from avi_kernel.protocol.api import Profile
from avi_kernel.protocol.base import Paragraph, Wire
from avi_kernel.protocol.products import (
    ProductChange,
    ProductFiles,
    ProductList,
    ProductMake,
    ProductView,
    ShareMake,
    ShareView,
)
from gavip_hub.exceptions import BadParameter, Conflict, DiskFull, Forbidden, NoRoom, NotFound, SpaceFull
from gavip_hub.handlers.base import BaseHandler
from gavip_hub.handlers.context import PREFIX
from gavip_hub.handlers.downloads import Sent, send_file, send_pieces
from gavip_hub.handlers.operations import ApiHandler, operation
from gavip_hub.services.product_archives import archive_of
from gavip_hub.services.products import OpenProductFile

READ = "custom:gavip:read:products"
WRITE = "custom:gavip:write:products"


class ProductQuery(Wire):
    """Which products."""

    which: Annotated[
        Literal["mine", "shared"], Field(description="Your own, or what others share with you.")
    ] = "mine"
    before: Annotated[str, Field(max_length=64, description="Only products older than this one.")] | None = (
        None
    )
    limit: Annotated[int, Field(ge=1, le=200, description="Products in a page.")] = 50


class ProductFilesQuery(Wire):
    """Which files."""

    after: Annotated[Paragraph, Field(description="Only files after this one, by name.")] = ""
    limit: Annotated[int, Field(ge=1, le=1000, description="Files in a page.")] = 200


class ProductFileQuery(Wire):
    """Which file."""

    path: Annotated[Paragraph, Field(description="Within the product, as maps/a.fits.")]


class ProductApi(ApiHandler):
    """What deals with products of people."""

    def person(self) -> Profile:
        """Return who asks: an AVI's code reads what is shared through its mounts, and shares nothing."""
        profile = self.require()
        if profile.avi is not None:
            raise Forbidden("Products are made and shared by people, and not by an interface.")
        return profile

    def as_viewer(self) -> dict[str, Any]:
        """Return who asks, as the services take it of what readers may do."""
        profile = self.person()
        return {"viewer": profile.name, "groups": profile.groups}

    def as_owner(self) -> dict[str, Any]:
        """Return who asks, as the services take it of what owners alone may do."""
        profile = self.person()
        return {"owner": profile.name, "groups": profile.groups}


class Products(ProductApi):
    """Products of the asker, or shared with them."""

    path = "/products"

    @override
    @operation(
        id="products.list",
        summary="List your products, or those shared with you, newest first",
        scope=READ,
        query=ProductQuery,
        returns=ProductList,
    )
    async def get(self, query: ProductQuery) -> ProductList:
        """Return one page."""
        return await self.in_thread(self.services.products.page, **self.as_viewer(), **query.model_dump())

    @override
    @operation(
        id="products.make",
        summary="Make a product of a file, a folder or a job's results: a copy that never changes",
        scope=WRITE,
        body=ProductMake,
        returns=ProductView,
        status=201,
        errors=(NotFound, BadParameter, SpaceFull, NoRoom, DiskFull),
    )
    async def post(self, body: ProductMake) -> ProductView:
        """Begin it; its files are copied by and by."""
        made = await self.in_thread(self.services.products.make, **self.as_owner(), asked=body)
        self.set_header("Location", f"{PREFIX}/api/products/{made.id}")
        return made


class OneProduct(ProductApi):
    """One product."""

    path = "/products/{product}"

    @override
    @operation(
        id="products.get", summary="Show a product", scope=READ, returns=ProductView, errors=(NotFound,)
    )
    async def get(self, product: str) -> ProductView:
        """Return it, to its owner and its readers."""
        return await self.in_thread(self.services.products.get, **self.as_viewer(), product=product)

    @override
    @operation(
        id="products.describe",
        summary="Change a product's title, description or licence; its files never change",
        scope=WRITE,
        body=ProductChange,
        returns=ProductView,
        errors=(NotFound,),
    )
    async def post(self, product: str, body: ProductChange) -> ProductView:
        """Return it with its new words."""
        return await self.in_thread(
            self.services.products.describe, **self.as_owner(), product=product, change=body
        )

    @override
    @operation(
        id="products.remove",
        summary="Remove a product: all who read it read it no more",
        scope=WRITE,
        status=204,
        errors=(NotFound,),
    )
    async def delete(self, product: str) -> None:
        """End its shares at once."""
        await self.in_thread(self.services.products.remove, **self.as_owner(), product=product)


class ProductFilesApi(ProductApi):
    """Its files."""

    path = "/products/{product}/files"

    @override
    @operation(
        id="products.files",
        summary="List the files of a product, with their digests",
        scope=READ,
        query=ProductFilesQuery,
        returns=ProductFiles,
        errors=(NotFound,),
    )
    async def get(self, product: str, query: ProductFilesQuery) -> ProductFiles:
        """Return one page."""
        return await self.in_thread(
            self.services.products.files, **self.as_viewer(), product=product, **query.model_dump()
        )


class ProductContent(ProductApi):
    """One of them."""

    is_stream = True
    path = "/products/{product}/content"

    @override
    @operation(
        id="products.download",
        summary="Download a file of a product",
        scope=READ,
        query=ProductFileQuery,
        media_type="*/*",
        errors=(NotFound, NoRoom),
    )
    async def get(self, product: str, query: ProductFileQuery) -> None:
        """Send the file, or the range of it that was asked for."""
        with self.context.reads.one(self.person()):
            found = await self.in_thread(
                self.services.products.open, **self.as_viewer(), product=product, path=query.path
            )
            await send_product_file(self, found)


class ProductZip(ProductApi):
    """All of them."""

    is_stream = True
    path = "/products/{product}/zip"

    @override
    @operation(
        id="products.zip",
        summary="Download a product as a zip archive",
        scope=READ,
        media_type="application/zip",
        errors=(NotFound, NoRoom),
    )
    async def get(self, product: str) -> None:
        """Pack it while it is sent; it breaks off once its reader may read it no more."""
        with self.context.reads.one(self.person()):
            await send_product(self, self.as_viewer(), product)


class Shares(ProductApi):
    """Who may read a product."""

    path = "/products/{product}/shares"

    @override
    @operation(
        id="shares.list",
        summary="List who may read one of your products",
        scope=READ,
        returns=list[ShareView],
        errors=(NotFound,),
    )
    async def get(self, product: str) -> list[ShareView]:
        """Return them; the secret of a link is told once only, when it is made."""
        return await self.in_thread(self.services.shares.of, **self.as_owner(), product=product)

    @override
    @operation(
        id="shares.make",
        summary="Let a user, a group, everyone or who has a link read a product",
        scope=WRITE,
        body=ShareMake,
        returns=ShareView,
        status=201,
        errors=(NotFound, BadParameter, Conflict, NoRoom),
    )
    async def post(self, product: str, body: ShareMake) -> ShareView:
        """Share it; readers find it at once in what runs of theirs."""
        return await share(self, self.person(), product, body)


class OneShare(ProductApi):
    """One of them."""

    path = "/products/{product}/shares/{share}"

    @override
    @operation(
        id="shares.revoke",
        summary="Let them read a product no more, at once",
        scope=WRITE,
        status=204,
        errors=(NotFound,),
    )
    async def delete(self, product: str, share: str) -> None:
        """Revoke it."""
        await self.in_thread(self.services.shares.revoke, **self.as_owner(), product=product, share=share)


async def share(handler: BaseHandler, profile: Profile, product: str, asked: ShareMake) -> ShareView:
    """Share a product, and tell whether the Hub knows the user whom it is shared with."""
    if asked.kind == "group":
        await handler.services.readers.learn(asked.subject.strip(), among=profile.groups)
    made = await handler.in_thread(
        handler.services.shares.make, owner=profile.name, groups=profile.groups, product=product, asked=asked
    )
    if made.kind != "user":
        return made
    return made.model_copy(update={"is_known": await handler.services.readers.knows(made.subject)})


async def send_product(handler: BaseHandler, asking: dict[str, Any], product: str) -> None:
    """Send all of a product to somebody who may read it."""
    products = handler.services.products
    view: ProductView = await handler.in_thread(products.get, **asking, product=product)
    archive = archive_of(
        view,
        paged=lambda after: products.files(**asking, product=product, after=after),
        opened=lambda path: products.open(**asking, product=product, path=path),
    )
    await send_pieces(handler, archive.pieces, name=archive.name, media_type="application/zip")


async def send_product_file(handler: BaseHandler, found: OpenProductFile) -> None:
    """Send a file of a product, to be kept: a stranger's, whatever it holds."""
    with found.file as file:
        entry = found.entry
        name = entry.path.rpartition("/")[2]
        sent = Sent(file=file, name=name, media_type=entry.media_type, etag=entry.sha256, sha256=entry.sha256)
        await send_file(handler, sent)


HANDLERS: tuple[type[ApiHandler], ...] = (
    Products,
    OneProduct,
    ProductFilesApi,
    ProductContent,
    ProductZip,
    Shares,
    OneShare,
)
