"""Pages of products: one's own, those that others share, one of them, and the form that makes one."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from urllib.parse import urlencode

from pydantic import ValidationError
from typing_extensions import override

from avi_kernel.protocol.products import ProductChange, ProductFile, ProductMake, ProductView, ShareMake
from gavip_hub.exceptions import BadParameter, GavipError
from gavip_hub.handlers.page_base import ROOT, PortalPage
from gavip_hub.handlers.previews import Card, in_order
from gavip_hub.handlers.product_provenance import chain_of
from gavip_hub.handlers.products import READ, WRITE, send_product, send_product_file, share
from gavip_hub.handlers.provenance_picture import picture_of, stations_of
from gavip_hub.handlers.rendering import readme_page

PAGE_LENGTH = 25
MOST_CARDS = 4
"""Of what a product's own page shows; its other files have pages of their own."""
LONGEST_PATH = 2000
_FIELDS = ("path", "job", "title", "description", "licence")
PRODUCT = "[A-Za-z0-9_-]{1,64}"
_DAYS = {"7": 7, "30": 30, "365": 365}


class ProductPages(PortalPage):
    """Any page about products."""

    nav = "products"
    scope = READ

    @property
    def asking(self) -> dict[str, Any]:
        """Who asks, as the service takes it."""
        return {"viewer": self.owner, "groups": self.groups}

    @property
    def as_owner(self) -> dict[str, Any]:
        """Who asks, as the service takes it of what owners alone may do."""
        return {"owner": self.owner, "groups": self.groups}


async def offered(page: PortalPage) -> list[str]:
    """Return paths of files to pick one from in a form: one's own, and of products that others share."""
    profile = page.require()
    own: list[str] = await page.context.file_threads(page.services.files.some, owner=profile.name)
    if READ not in profile.scopes:
        return own
    shared: list[str] = await page.in_thread(
        page.services.products.some_files, viewer=profile.name, groups=profile.groups
    )
    return own + shared


class ProductsPage(ProductPages):
    """One's own products, or what others share."""

    @override
    async def get(self) -> None:
        which: Literal["mine", "shared"] = (
            "shared" if self.get_query_argument("which", "") == "shared" else "mine"
        )
        before = self.get_query_argument("before", "")[:64]
        found = await self.in_thread(
            self.services.products.page,
            **self.asking,
            which=which,
            before=before or None,
            limit=PAGE_LENGTH,
            chains=False,
        )
        self.render_page("products.html", found=found, which=which, later=bool(before))


class NewProductPage(ProductPages):
    """The form that makes a product of a path or a job."""

    scope = WRITE

    @override
    async def get(self) -> None:
        given = {name: self.get_query_argument(name, "", strip=False)[:20_000] for name in _FIELDS}
        self._show(given, self.get_query_arguments("result"))

    @override
    async def post(self) -> None:
        given = {name: self.sent().get(name, "") for name in _FIELDS}
        results = self.get_body_arguments("result")
        try:
            asked = ProductMake.model_validate({**given, "results": results})
            made = await self.in_thread(
                self.services.products.make, owner=self.owner, groups=self.groups, asked=asked
            )
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False)[0]
            self._show(given, results, problem=f"{'.'.join(map(str, first['loc']))}: {first['msg']}")
        except GavipError as error:
            self._show(given, results, problem=error.message, status=error.status_code)
        else:
            self.go(f"products/{made.id}#readers")

    def _show(
        self, given: dict[str, str], results: list[str], *, problem: str = "", status: int | None = None
    ) -> None:
        if problem:
            self.set_status(status or BadParameter.status_code)
        self.render_page("product_new.html", given=given, results=results[:1000], problem=problem)


class ProductPage(ProductPages):
    """One product: what it holds, where it is from, how it is cited, and who reads it."""

    @override
    async def get(self, product: str) -> None:
        await self.show(product)

    async def show(self, product: str, *, link: str = "", problem: str = "", told: str = "") -> None:
        """Finish with the page.

        Parameters
        ----------
        link
            Address of a link that was made just now: it is never shown again.
        """
        view: ProductView = await self.in_thread(self.services.products.get, **self.asking, product=product)
        after = self.get_query_argument("after", "", strip=False)[:LONGEST_PATH]
        files = await self.in_thread(
            self.services.products.files, **self.asking, product=product, after=after
        )
        shares = (
            await self.in_thread(self.services.shares.of, **self.as_owner, product=product)
            if view.may == "own"
            else []
        )
        about = await self.context.file_threads(readme_page, view.description, title=view.title, cut=False)
        here = f"{ROOT}products/{product}"
        self.render_page(
            "product.html",
            product=view,
            about=about,
            files=files,
            cards=[] if after else cards_of(here, files.items),
            shares=shares,
            link=link,
            problem=problem,
            told=told,
            later=bool(after),
            **_shown_chain(view),
            here=here,
        )


def cards_of(here: str, files: Iterable[ProductFile]) -> list[Card]:
    """Return the cards of what can be looked at of a product whose page is `here`, the most telling few."""
    cards = in_order(_card(here, file) for file in files)
    return [card for card in cards if card.preview != "none"][:MOST_CARDS]


def _card(here: str, file: ProductFile) -> Card:
    asked = urlencode({"path": file.path})
    return Card(
        name=file.path,
        title=file.path.rpartition("/")[2],
        media_type=file.media_type,
        size=file.size,
        sha256=file.sha256,
        page=f"{here}/view?{asked}",
        content=f"{here}/view/content?{asked}",
        download=f"{here}/content?{asked}",
    )


def _shown_chain(view: ProductView) -> dict[str, Any]:
    """Return the chain back to the archive, as a picture and a list."""
    if view.provenance is None:
        return {"provenance": None}
    chain = chain_of(view)
    return {"provenance": chain, "picture": picture_of(chain), "stations": stations_of(chain)}


class ProductAct(ProductPage):
    """What its owner does with it: describe, share, revoke, remove."""

    scope = WRITE

    @override
    async def get(self, product: str, act: str = "") -> None:
        self.go(f"products/{product}")

    @override
    async def post(self, product: str, act: str) -> None:
        sent = self.sent()
        try:
            await {
                "describe": self._describe,
                "share": self._share,
                "revoke": self._revoke,
                "remove": self._remove,
            }[act](product, sent)
        except GavipError as error:
            self.set_status(error.status_code)
            await self.show(product, problem=error.message)

    async def _describe(self, product: str, sent: dict[str, str]) -> None:
        try:
            change = ProductChange(
                title=sent.get("title", ""),
                description=sent.get("description", "").replace("\r\n", "\n"),
                licence=sent.get("licence"),
            )
        except ValidationError as error:
            raise BadParameter(str(error.errors()[0]["msg"])) from None
        await self.in_thread(self.services.products.describe, **self.as_owner, product=product, change=change)
        self.go(f"products/{product}")

    async def _share(self, product: str, sent: dict[str, str]) -> None:
        days = _DAYS.get(sent.get("days", ""))
        end = datetime.now(UTC) + timedelta(days=days) if days else None
        try:
            asked = ShareMake.model_validate(
                {"kind": sent.get("kind", ""), "subject": sent.get("subject", ""), "expires_at": end}
            )
        except ValidationError:
            raise BadParameter("choose whom to share it with: a user, a group, everyone or a link") from None
        made = await share(self, self.require(WRITE), product, asked)
        told = (
            f"{made.subject} has not signed in here yet, and sees it once they do."
            if made.is_known is False
            else ""
        )
        if made.url or told:
            self.set_header("Cache-Control", "no-store")
            await self.show(product, link=made.url, told=told)
            return
        self.go(f"products/{product}#readers")

    async def _revoke(self, product: str, sent: dict[str, str]) -> None:
        await self.in_thread(
            self.services.shares.revoke, **self.as_owner, product=product, share=sent.get("share", "")
        )
        self.go(f"products/{product}#readers")

    async def _remove(self, product: str, _sent: dict[str, str]) -> None:
        await self.in_thread(self.services.products.remove, **self.as_owner, product=product)
        self.go("products")


class ProductDownload(ProductPages):
    """A file of a product, to be kept."""

    is_stream = True

    @override
    async def get(self, product: str) -> None:
        path = self.get_query_argument("path", "", strip=False)[:LONGEST_PATH]
        with self.context.reads.one(self.require(READ)):
            found = await self.in_thread(
                self.services.products.open, **self.asking, product=product, path=path
            )
            await send_product_file(self, found)


class ProductArchive(ProductPages):
    """All of it, to be kept."""

    is_stream = True

    @override
    async def get(self, product: str) -> None:
        with self.context.reads.one(self.require(READ)):
            await send_product(self, self.asking, product)


ROUTES: list[tuple[str, type[Any], dict[str, Any]]] = [
    (f"{ROOT}products", ProductsPage, {}),
    (f"{ROOT}products/new", NewProductPage, {}),
    (f"{ROOT}products/({PRODUCT})", ProductPage, {}),
    (f"{ROOT}products/({PRODUCT})/(describe|share|revoke|remove)", ProductAct, {}),
    (f"{ROOT}products/({PRODUCT})/content", ProductDownload, {}),
    (f"{ROOT}products/({PRODUCT})/zip", ProductArchive, {}),
]
