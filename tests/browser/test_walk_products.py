"""A result is shared, read, used by its reader, and taken back: at a desk and on a phone, by mouse and by keys."""

import pytest
from playwright.async_api import Browser, expect

from tests.browser.conftest import Visits, Walker, walking
from tests.support.browser import watch
from tests.support.hands import Hand
from tests.support.published import run

pytestmark = [pytest.mark.browser, pytest.mark.hub, pytest.mark.acceptance, pytest.mark.timeout(300)]


@pytest.fixture
def job(platform, avis, way) -> str:
    """A job with a result that no other walk has."""
    with platform.client("scientist") as client:
        ended = run(client, "works", parameters={"a": 7, "b": float(way.number)})
    assert ended["phase"] == "COMPLETED", ended
    return str(ended["id"])


async def make_product(walker: Walker, job: str, title: str) -> str:
    await walker.person.go(f"jobs/{job}")
    await walker.follow("Share these results")
    await walker.hand.write(walker.page.get_by_label("Title"), title)
    await walker.press("Make the product")
    await expect(walker.page.locator("#product-state .phase-COMPLETED")).to_be_visible()
    return walker.page.url.partition("#")[0].rpartition("/")[2]


async def share(walker: Walker, kind: str, subject: str = "", until: str = "I revoke it") -> None:
    """Share what is shown with somebody."""
    page = walker.page
    await walker.hand.choose(page.get_by_label("Share with"), kind)
    if subject:
        await walker.hand.write(page.get_by_label("Name of the user or group"), subject)
    await walker.hand.choose(page.get_by_label("Until"), until)
    await walker.press("Share", exact=True)


async def use(reader: Walker, product: str) -> None:
    """Choose the shared file for a field of a form, folder by folder, and run the job."""
    page = reader.page
    where = await page.locator("#product-state code").inner_text()
    await reader.person.go("avis/reads/pipelines/main")
    await reader.press("Choose a file: stars")
    await reader.press("Shared with you")
    for folder in where.split("/")[1:]:
        await reader.press(f"{folder}/", exact=True)
    await reader.press("sum.txt", exact=True)
    await expect(page.locator("[name='p.stars']")).to_have_value(f"{where}/sum.txt")
    await expect(page.locator("[name='p.stars']")).to_be_focused()
    await reader.press("Run as a job")
    await reader.person.insist()
    await reader.person.phase("Completed")
    await expect(page.locator("[data-result='count.txt'] [data-preview]")).to_contain_text("stars: 1 lines")
    await expect(page.locator(".chain a.of-input, .chain a.of-product").first).to_be_visible()


async def test_a_result_is_shared_read_used_and_taken_back(
    walker: Walker, job: str, visits: Visits, browser: Browser
):
    page, title = walker.page, f"Sums {walker.way.name}"
    product = await make_product(walker, job, title)
    await share(walker, "A user", "developer", "30 days from now")
    await share(walker, "Everyone on this platform")
    await share(walker, "Who has a link, without signing in")
    link = await page.locator("pre.code", has_text="/p/").inner_text()
    await expect(page.get_by_role("button", name="Revoke:")).to_have_count(3)

    async with walking(visits, browser, "developer", walker.way) as reader:
        await reader.person.go("products")
        await reader.follow("Shared with me")
        await reader.follow(title)
        await expect(reader.page.get_by_role("heading", name=title)).to_be_visible()
        await use(reader, product)

        stranger = await browser.new_page(viewport=walker.way.size)
        seen = watch(stranger)
        await stranger.goto(link)
        hand = Hand(stranger, walker.way.by)
        await expect(stranger.locator("[data-result='sum.txt'] [data-preview]")).to_contain_text("sum = ")
        await hand.press(stranger.get_by_role("link", name="sum.txt", exact=True))
        await expect(stranger.locator("[data-preview]")).to_contain_text("sum = ")
        async with stranger.expect_download() as kept:
            await hand.press(stranger.get_by_role("link", name="Download"))
        assert (await (await kept.value).path()).read_text().startswith("sum = ")
        assert seen.faults(walker.person.platform.url.removeprefix("http://")) == []

        await walker.person.go(f"products/{product}")
        for who in ("developer", "Everyone on this platform", "Who has the link"):
            await walker.press(f"Revoke: {who}", exact=True)
            await expect(page.get_by_role("button", name=f"Revoke: {who}")).to_have_count(0)
        reader.expected.add(404)
        assert await reader.person.go(f"products/{product}") == 404
        await reader.follow("Products", exact=True)
        gone = await stranger.goto(link)
        assert gone is not None
        assert gone.status == 404
        await stranger.close()
