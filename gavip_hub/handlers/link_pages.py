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
from gavip_hub.handlers.downloads import send_pieces
from gavip_hub.handlers.page_base import ROOT
from gavip_hub.handlers.product_pages import LONGEST_PATH
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


class LinkPage(PageHandler):
    """What a link leads to."""

    needs_sign_in = False

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

    @override
    async def get(self, secret: str) -> None:
        found: Followed = await self.in_thread(self.services.shares.linked, secret)
        after = self.get_query_argument("after", "", strip=False)[:LONGEST_PATH]
        view, files = await self.in_thread(self.services.products.linked, found.product, after=after)
        about = await self.context.file_threads(readme_page, view.description, title=view.title, cut=False)
        self.render_page(
            "product_link.html",
            product=view,
            files=files,
            about=about,
            here=f"{ROOT}p/{secret}",
            later=bool(after),
            ends_at=found.ends_at,
        )


class LinkDownload(LinkPage):
    """A file of it."""

    is_stream = True

    @override
    async def get(self, secret: str) -> None:
        followed: Followed = await self.in_thread(self.services.shares.linked, secret)
        path = self.get_query_argument("path", "", strip=False)[:LONGEST_PATH]
        with self.context.reads.one(_STRANGERS):
            found = await self.in_thread(self.services.products.open_linked, followed.product, path)
            await send_product_file(self, found)


class LinkArchive(LinkPage):
    """All of it."""

    is_stream = True

    @override
    async def get(self, secret: str) -> None:
        followed: Followed = await self.in_thread(self.services.shares.linked, secret)
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


ROUTES: list[tuple[str, type[Any], dict[str, Any]]] = [
    (f"{ROOT}p/({_ADDRESS})", LinkPage, {}),
    (f"{ROOT}p/({_ADDRESS})/content", LinkDownload, {}),
    (f"{ROOT}p/({_ADDRESS})/zip", LinkArchive, {}),
]
