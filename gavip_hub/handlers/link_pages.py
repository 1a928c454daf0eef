"""A product for whoever has its link: no sign-in, and nothing of who follows it is used."""

import logging
from functools import partial
from http import HTTPStatus
from typing import Any

from tornado.web import HTTPError
from typing_extensions import override

from avi_kernel.protocol.api import Profile
from avi_kernel.protocol.products import ProductFiles
from gavip_hub.exceptions import GavipError
from gavip_hub.handlers.base import PageHandler
from gavip_hub.handlers.contents import Document, look
from gavip_hub.handlers.downloads import send_pieces
from gavip_hub.handlers.notebook_page import NotebookPages
from gavip_hub.handlers.page_base import ROOT
from gavip_hub.handlers.product_pages import LONGEST_PATH, cards_of
from gavip_hub.handlers.product_views import place_of, shown_of
from gavip_hub.handlers.products import send_product_file
from gavip_hub.handlers.rendering import readme_page
from gavip_hub.handlers.sign_in import NOBODY, Identity
from gavip_hub.services.product_archives import archive_of
from gavip_hub.services.products import OpenProductFile
from gavip_hub.services.shares import Followed

log = logging.getLogger(__name__)
_STRANGERS = Profile(name="", roles=[])
"""All who read by links share the turns of one reader: they keep nobody waiting who has signed in."""
_ADDRESS = "[A-Za-z0-9_-]{20,100}"


class LinkPages(PageHandler):
    """Any page that a link opens."""

    needs_sign_in = False
    asker = _STRANGERS.name

    @override
    async def identify(self) -> Identity:
        """Return nobody: the link is what opens it, and it tells nothing of who follows it."""
        return NOBODY

    @override
    def set_default_headers(self) -> None:
        super().set_default_headers()
        self.set_header("Referrer-Policy", "no-referrer")
        self.set_header("X-Robots-Tag", "noindex, nofollow")
        self.set_header("Cache-Control", "no-store")

    @override
    def _request_summary(self) -> str:
        # The address is the secret: it is in no log.
        return f"{self.request.method} {ROOT}p/… ({self.request.remote_ip})"

    @override
    def log_exception(self, typ: Any, value: BaseException | None, tb: Any) -> None:
        if isinstance(value, GavipError):
            super().log_exception(typ, value, tb)
        elif isinstance(value, HTTPError) and value.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
            log.info("%s refused: %d", self._request_summary(), value.status_code)
        else:  # tornado would write the whole request, and so its address
            log.error("%s failed", self._request_summary(), exc_info=value)

    async def followed(self, secret: str) -> Followed:
        """Return where the link leads to.

        Raises
        ------
        NotFound
            It was taken back, has ended, or never was.
        """
        found: Followed = await self.in_thread(self.services.shares.linked, secret)
        return found

    async def opened(self, followed: Followed) -> OpenProductFile:
        """Open the file that is asked for; the caller closes it."""
        path = self.get_query_argument("path", "", strip=False)[:LONGEST_PATH]
        found: OpenProductFile = await self.in_thread(
            self.services.products.open_linked, followed.product, path
        )
        return found


class LinkPage(LinkPages):
    """The product: what it shows, holds, and where it is from."""

    @override
    async def get(self, secret: str) -> None:
        found = await self.followed(secret)
        after = self.get_query_argument("after", "", strip=False)[:LONGEST_PATH]
        view, files = await self.in_thread(self.services.products.linked, found.product, after=after)
        about = await self.context.file_threads(readme_page, view.description, title=view.title, cut=False)
        here = _here(secret)
        self.render_page(
            "product_link.html",
            product=view,
            files=files,
            about=about,
            here=here,
            cards=[] if after else cards_of(here, files.items),
            later=bool(after),
            ends_at=found.ends_at,
        )


class LinkView(LinkPages):
    """A page of what a file of it holds."""

    @override
    async def get(self, secret: str) -> None:
        followed = await self.followed(secret)
        product, _ = await self.in_thread(self.services.products.linked, followed.product)
        with self.context.reads.one(_STRANGERS):
            found = await self.opened(followed)
            with found.file:
                seen = await look(self, shown_of(found))
        here = _here(secret)
        told = {"product": product, "file": found.entry, "here": here, "place": place_of(here, found.entry)}
        self.render_page("product_file.html", by_link=True, **told, **seen)


class LinkContent(Document, LinkPages):
    """A file of it that is shown as it is."""

    @override
    async def get(self, secret: str) -> None:
        followed = await self.followed(secret)
        with self.context.reads.one(_STRANGERS):
            found = await self.opened(followed)
            with found.file:
                await self.show_content(shown_of(found), lasts=False)


class LinkDownload(LinkPages):
    """A file of it."""

    is_stream = True

    @override
    async def get(self, secret: str) -> None:
        followed = await self.followed(secret)
        with self.context.reads.one(_STRANGERS):
            await send_product_file(self, await self.opened(followed))


class LinkArchive(LinkPages):
    """All of it."""

    is_stream = True

    @override
    async def get(self, secret: str) -> None:
        followed = await self.followed(secret)
        view, _ = await self.in_thread(self.services.products.linked, followed.product)
        with self.context.reads.one(_STRANGERS):
            archive = archive_of(
                view, paged=partial(self._paged, secret), opened=partial(self._opened, secret)
            )
            await send_pieces(self, archive.pieces, name=archive.name, media_type="application/zip")

    def _paged(self, secret: str, after: str) -> ProductFiles:
        product = self.services.shares.linked(secret).product
        return self.services.products.linked(product, after=after)[1]

    def _opened(self, secret: str, path: str) -> OpenProductFile:
        return self.services.products.open_linked(self.services.shares.linked(secret).product, path)


def _here(secret: str) -> str:
    return f"{ROOT}p/{secret}"


def link_routes() -> list[tuple[str, type[Any], dict[str, Any]]]:
    """Return the addresses of these pages; notebooks that strangers look at keep nobody else's waiting."""
    here = f"{ROOT}p/({_ADDRESS})"
    return [
        (here, LinkPage, {}),
        (f"{here}/content", LinkDownload, {}),
        (f"{here}/view", LinkView, {}),
        (f"{here}/view/content", LinkContent, {"notebooks": NotebookPages()}),
        (f"{here}/zip", LinkArchive, {}),
    ]
