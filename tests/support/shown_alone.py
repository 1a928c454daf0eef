"""A page of the portal in a browser with its styles and scripts, and no service behind it."""

from __future__ import annotations

import mimetypes
from typing import TYPE_CHECKING, Any

from gavip_hub.handlers.rendering import STATIC, make_environment
from gavip_hub.handlers.static_files import style_sheet
from tests.support.shown_pages import everywhere

if TYPE_CHECKING:
    from playwright.async_api import Page, Route

ORIGIN = "http://portal.test"
PORTAL = "/services/gavip/"


async def shown(page: Page, name: str, values: dict[str, Any]) -> None:
    """Show a page as the service would; what it asks for beyond that is not answered."""
    html = make_environment(PORTAL.rstrip("/")).get_template(name).render(**everywhere(), **values)

    async def answer(route: Route) -> None:
        path = route.request.url.removeprefix(ORIGIN)
        if path == PORTAL + "page":
            await route.fulfill(body=html, content_type="text/html; charset=utf-8")
        elif path.endswith("/portal.css"):
            await route.fulfill(body=style_sheet(packed=False), content_type="text/css")
        elif "/static/" in path:
            file = STATIC / path.rpartition("/")[2]
            kind = "text/javascript" if file.suffix == ".js" else mimetypes.guess_type(file.name)[0]
            await route.fulfill(body=file.read_bytes(), content_type=kind)
        else:
            await route.abort()

    await page.route("**/*", answer)
    await page.goto(f"{ORIGIN}{PORTAL}page", wait_until="load")
