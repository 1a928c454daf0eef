"""What a person does in the browser before anything else."""

from typing import TYPE_CHECKING

from tests.support.platform import Platform

if TYPE_CHECKING:
    from playwright.async_api import Page


async def sign_in(page: "Page", platform: Platform, user: str = "scientist") -> None:
    """Sign in by name and password, and land on the portal."""
    await page.goto(f"{platform.url}/hub/login")
    await page.fill("input[name=username]", user)
    await page.fill("input[name=password]", platform.password(user))
    await page.press("input[name=password]", "Enter")
    await page.wait_for_url("**/services/gavip/**")


async def open_avi(page: "Page", platform: Platform, avi: str, user: str = "scientist") -> None:
    """Open an AVI from its page, or go there where it is open, and wait for its own origin."""
    await page.goto(f"{platform.url}/services/gavip/avis/{avi}")
    await (
        page.get_by_role("button", name="Open interface")
        .or_(page.get_by_role("link", name="Go to the interface"))
        .click()
    )
    await page.wait_for_url(f"{platform.avi_url(avi, user)}**", timeout=60_000)
