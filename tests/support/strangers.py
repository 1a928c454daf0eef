"""A page of an AVI whose script is a stranger's, opened by somebody who is signed in."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from tests.support.people import open_avi, sign_in
from tests.support.platform import Platform
from tests.support.published import AVIS

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page


def script() -> str:
    """Return the stranger's script, as its notebook writes it into the page."""
    cells = json.loads((AVIS / "stranger" / "app.ipynb").read_text())["cells"]
    source = "".join(cells[0]["source"])
    return source.split("<script>")[1].split("</script>")[0]


@asynccontextmanager
async def visited(
    browser: "Browser", platform: Platform, user: str, *, others: tuple[str, ...] = (), **options: Any
) -> "AsyncIterator[Page]":
    """Yield the stranger's page in a fresh profile of a person who opened these other AVIs before."""
    context = await browser.new_context(**options)
    try:
        page = await context.new_page()
        await sign_in(page, platform, user)
        for avi in (*others, "stranger"):
            await open_avi(page, platform, avi, user)
        await page.wait_for_selector("#stranger", timeout=60_000)
        yield page
    finally:
        await context.close()
