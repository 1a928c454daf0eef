"""Where is this from? The chain is clicked through, the job run again and compared, and all of it taken home."""

import json
import zipfile

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import PATIENCE_MS, Walker

pytestmark = [pytest.mark.browser, pytest.mark.hub, pytest.mark.acceptance, pytest.mark.timeout(300)]


async def taken_home(walker: Walker, words: str):
    """Press what downloads, and return where it lies."""
    async with walker.page.expect_download() as kept:
        await walker.follow(words)
    return await (await kept.value).path()


def box(page: Page, kind: str):
    return page.locator(f".chain a.of-{kind}").first


async def test_the_chain_is_clicked_through_run_again_compared_and_exported(walker: Walker, avis):
    page = walker.page
    await walker.person.go("avis/works/pipelines/main")
    await walker.hand.write(page.locator("[name='p.b']"), str(walker.way.number))
    await walker.press("Run as a job")
    await walker.person.insist()
    await walker.person.phase("Completed")
    first = page.url
    await walker.hand.press(box(page, "result"))
    await expect(page.locator("dl.facts.wide dt", has_text="SHA-256")).to_be_visible()
    await walker.hand.press(box(page, "job"))
    await expect(page).to_have_url(first)
    await walker.hand.press(box(page, "parameters"))
    await expect(page.locator(".chain-list li:target")).to_be_visible()
    await walker.hand.press(box(page, "release"))
    await expect(page.get_by_role("heading", name="Adds two numbers")).to_be_visible()

    await page.goto(first)
    await walker.press("Run it again")
    await page.wait_for_url(lambda url: "/jobs/" in url and url != first)
    await walker.person.phase("Completed")
    await expect(page.locator("#comparison")).to_contain_text("Reproduced.", timeout=PATIENCE_MS)

    crate = await taken_home(walker, "Results as an RO-Crate (zip)")
    with zipfile.ZipFile(crate) as archive:
        assert archive.testzip() is None
        assert "ro-crate-metadata.json" in archive.namelist()
    assert "@graph" in json.loads((await taken_home(walker, "its metadata alone")).read_text())
    assert "activity" in json.loads((await taken_home(walker, "W3C PROV-JSON")).read_text())
    await walker.fits()
