"""Somebody finds an AVI as they type, keeps it, opens it, passes it on, and runs it: by mouse and by keys, at two widths."""

import re

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Walker
from tests.support.avis import notebook, write_avi
from tests.support.published import publish

pytestmark = [pytest.mark.browser, pytest.mark.hub, pytest.mark.acceptance, pytest.mark.timeout(300)]
READS = "from avi_kernel import link\nprint('radius', link.value('radius', 5.0))"
MANIFEST = (
    'title = "Pleiades at a glance"\nsummary = "A test AVI with an interface."\nkeywords = ["clusters"]\n'
)
STARTS_MS = 90_000


@pytest.fixture(scope="module")
def glance(platform, tmp_path_factory) -> None:
    """An AVI with an interface that reads its link."""
    folder = tmp_path_factory.mktemp("glance")
    publish(
        platform,
        "glance",
        folder=write_avi(folder, {"app.ipynb": notebook(READS), "avi.toml": MANIFEST}),
    )


@pytest.fixture
def nothing_open(platform):
    """What is opened is closed again, so that a pool is as a person finds it."""
    platform.close_servers("scientist")
    yield
    platform.close_servers("scientist")


async def test_an_avi_is_found_kept_opened_and_passed_on(walker: Walker, glance, nothing_open, platform):
    page = walker.page
    await walker.person.go("")
    await walker.hand.write(page.get_by_role("searchbox"), "glance")
    await expect(page.locator(".index > li")).to_have_count(1)
    await expect(page).to_have_url(re.compile(r"\?q=glance$"))
    star = page.get_by_role("button", name="Favourite: Pleiades at a glance")
    for pressed in ("true", "false"):
        await walker.hand.press(star)
        await expect(star).to_have_attribute("aria-pressed", pressed)

    await walker.follow("Pleiades at a glance")
    await walker.press("Open interface")
    await expect(page.locator(".course, .jp-OutputArea").first).to_be_visible()
    await page.wait_for_url(platform.avi_url("glance", "scientist") + "**", timeout=STARTS_MS)
    await expect(page.locator("main")).to_contain_text("radius 5.0", timeout=STARTS_MS)

    await walker.person.go("avis/glance/open?radius=2.5")
    await page.wait_for_url(re.compile(r"\?radius=2\.5$"), timeout=STARTS_MS)
    await expect(page.locator("main")).to_contain_text("radius 2.5", timeout=STARTS_MS)
    await walker.person.go("servers")
    await walker.press("Close", exact=True)
    await expect(page.get_by_role("heading", name="Nothing is open")).to_be_visible()


async def test_from_the_catalogue_to_a_result(walker: Walker, avis):
    page = walker.page
    await walker.person.go("")
    await walker.hand.write(page.get_by_role("searchbox"), "lines of a file")
    await walker.hand.write(page.get_by_role("searchbox"), "adds two numbers")
    await expect(page.locator(".index > li").first).to_contain_text("Adds two numbers")
    await walker.hand.press(page.locator(".index a[href$='/avis/works']"))
    await walker.hand.write(page.locator("[name='p.a']"), "41")
    await walker.press("Run as a job")
    await walker.person.insist()
    await walker.person.phase("Completed")
    card = page.locator("[data-result='sum.txt']")
    await expect(card.locator("[data-preview]")).to_contain_text("sum = 44.0")
    await walker.follow("Details", within=card)
    await expect(page.get_by_role("heading", name="sum.txt")).to_be_visible()
    async with page.expect_download():
        await walker.follow("Download,")
    await walker.follow("Jobs", within=page.get_by_role("navigation", name="Portal"))
    await expect(page.get_by_role("heading", name="Jobs")).to_be_visible()
