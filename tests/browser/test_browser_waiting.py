"""The page that waits for room, in a real browser: it says why, makes the room, and goes on by itself."""

import pytest
from playwright.async_api import expect

from tests.support.browser import DESKTOP, PHONE, watch
from tests.support.service import running_service

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]


@pytest.fixture
async def service(tmp_path):
    """A platform with room for one interface, which galaxies has."""
    async with running_service(tmp_path / "root", platform_memory_mb=600) as service:
        for avi in ("galaxies", "stars"):
            service.publish(avi=avi)
        async with service.client("ann-token") as ann:
            for avi in ("galaxies", "stars"):
                await ann.post("/servers", json={"avi": avi})
        yield service


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
async def test_who_waits_closes_what_is_in_the_way_and_the_page_goes_on(service, browser, size):
    context = await browser.new_context(
        viewport=size, extra_http_headers={"Authorization": "Bearer ann-token"}
    )
    page = await context.new_page()
    seen = watch(page)
    # The interface itself is not what is tried here.
    await page.route("**/user/ann/stars/", lambda route: route.fulfill(body="stars"))
    await page.goto(f"{service.url}/services/gavip/avis/stars/open")
    await expect(page.get_by_text("It waits for 512 MB of memory: 1 open server holds 512")).to_be_visible()
    assert await page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    await page.get_by_role("button", name="Close it").click()
    await page.get_by_role("dialog").get_by_role("button", name="Close it").click()
    await page.wait_for_url("**/user/ann/stars/")
    assert seen.errors == []
    await context.close()
