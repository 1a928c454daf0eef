"""The catalogue in a real browser: it follows what is typed, keeps favourites, and its links open things."""

import re

import pytest
from playwright.async_api import expect

from tests.support.browser import DESKTOP, PHONE, watch
from tests.support.service import running_service

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]
HEADERS = {"Authorization": "Bearer ann-token"}


@pytest.fixture
async def service(tmp_path):
    async with running_service(tmp_path / "root") as service:
        for avi in ("galaxies", "stars"):
            service.publish(avi=avi)
        yield service


@pytest.fixture(params=[DESKTOP, PHONE], ids=["desktop", "phone"])
async def page(service, browser, request):
    context = await browser.new_context(viewport=request.param, extra_http_headers=HEADERS)
    page = await context.new_page()
    seen = watch(page)
    await page.goto(f"{service.url}/services/gavip/")
    yield page
    assert await page.evaluate("document.documentElement.scrollWidth") <= request.param["width"]
    assert seen.errors == []
    others = seen.hosts() - {service.url.removeprefix("http://")}
    assert all(host.startswith("stars--ann.") for host in others), "only an opened interface is elsewhere"
    await context.close()


def entries(page):
    return page.locator(".index > li h2")


async def test_the_list_follows_what_is_typed_and_so_does_the_address(page):
    await expect(entries(page)).to_have_count(2)
    await page.evaluate("window.same = true")
    field = page.get_by_role("searchbox")
    await field.press_sequentially("galax")
    await expect(entries(page)).to_have_count(1)
    await expect(page.get_by_role("status").first).to_have_text("1 AVI")
    await expect(field).to_be_focused()
    assert page.url.endswith("?q=galax")
    await field.fill("nebula")
    await expect(page.get_by_role("heading", name="Nothing matches")).to_be_visible()
    await field.fill("")
    await expect(entries(page)).to_have_count(2)
    assert await page.evaluate("window.same"), "the page was made anew"
    await page.get_by_role("link", name=re.compile("^stars: 2")).click()
    await expect(page.get_by_role("link", name=re.compile("chosen"))).to_be_visible()
    await page.get_by_role("searchbox").fill("galax")
    await expect(entries(page)).to_have_count(1)
    assert page.url.endswith("?q=galax&k=stars")


async def test_a_star_is_kept_and_comes_first(page):
    stars = page.locator(".index > li", has=page.locator("a[href$='/avis/stars']"))
    button = stars.get_by_role("button", name="Favourite")
    await button.focus()
    await page.keyboard.press("Enter")
    await expect(button).to_have_attribute("aria-pressed", "true")
    await page.reload()
    await expect(entries(page).first.locator("a")).to_have_attribute("href", re.compile("avis/stars$"))
    await button.click()
    await expect(button).to_have_attribute("aria-pressed", "false")


async def test_a_link_starts_the_interface_with_what_it_carries(page, service):
    await page.route("**/user/ann/stars/**", lambda route: route.fulfill(body="the interface"))
    await page.goto(f"{service.url}/services/gavip/avis/stars/open?radius=2&note=a+b")
    await page.wait_for_url(re.compile(r"/user/ann/stars/\?radius=2&note=a\+b$"))
    await page.goto(f"{service.url}/services/gavip/")


async def test_what_was_typed_into_a_form_is_copied_as_a_link(page, service):
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await page.goto(f"{service.url}/services/gavip/avis/stars")
    await page.get_by_label("radius", exact=False).first.fill("7.5")
    await page.get_by_role("button", name="Copy link to this form").click()
    await expect(page.locator("[data-said]")).to_have_text("Copied.")
    link = await page.evaluate("navigator.clipboard.readText()")
    assert link.endswith("/avis/stars/pipelines/count?radius=7.5")
    await page.goto(link)
    await expect(page.locator("[name='p.radius']")).to_have_value("7.5")
