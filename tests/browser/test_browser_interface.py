"""The bundled AVI's interface on the platform: a job is submitted from it, followed, and its diagram seen."""

import re

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import COLOURS, PATIENCE_MS
from tests.support.people import open_avi

pytestmark = [pytest.mark.browser, pytest.mark.hub, pytest.mark.timeout(300)]

DIAGRAM = "img[alt^='Hertzsprung-Russell diagram: Pleiades']"
WIDTHS = "bars => bars.map(bar => parseFloat(bar.style.width))"


async def widths_until(page: Page, wanted: str) -> set[float]:
    """Watch the progress bar until something is on the page; return how wide (%) it was on the way."""
    seen: set[float] = set()
    while not await page.locator(wanted).count():
        seen |= set(await page.locator(".widget-hprogress .progress-bar").evaluate_all(WIDTHS))
        await page.wait_for_timeout(100)
    return seen


async def test_a_job_from_the_interface_moves_and_its_diagram_is_seen(scientist):
    page = scientist.page
    await open_avi(page, scientist.platform, "hr-diagram")
    await page.get_by_role("combobox", name="Field").select_option(label="Pleiades", timeout=PATIENCE_MS)
    await page.get_by_role("button", name="Make the diagram").click()
    widths = await widths_until(page, DIAGRAM)
    assert len(widths) > 2, f"the progress did not move: {widths}"
    picture = page.locator(DIAGRAM).first
    await picture.evaluate("image => image.decode()")
    assert await picture.evaluate(COLOURS) > 20, "the diagram is an empty frame"
    await expect(page.get_by_text(re.compile("extract", re.IGNORECASE)).first).to_be_visible()
    assert scientist.seen.errors == []
