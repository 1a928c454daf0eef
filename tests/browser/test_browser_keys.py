"""Every page by Tab alone: each control is reached, the focus is always seen, and comes around again."""

import pytest

from tests.support.browser import DESKTOP, PHONE, person
from tests.support.hands import FOCUS, MOST_TABS
from tests.support.shown_alone import shown
from tests.support.shown_pages import pages

pytestmark = [pytest.mark.browser, pytest.mark.acceptance, pytest.mark.timeout(600)]
PASSED = """() => {
    const passed = (window.passed ??= new Set()), item = document.activeElement;
    if (passed.has(item)) return true;
    passed.add(item);
    return false;
}"""
"""Notes what has the focus, and tells whether it had it before."""
MISSED = """() => [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex='0']")]
    .filter((item) => item.tabIndex >= 0 && !item.disabled && item.type !== "hidden" && item.checkVisibility()
        && !(item.type === "radio" && !item.checked) && !window.passed.has(item))
    .map((item) => item.outerHTML.slice(0, 120))"""
"""What can be pressed or written, and was not led to."""


async def walked(page):
    """Go once around by Tab; return what is wrong."""
    wrong = []
    await page.evaluate("document.activeElement.blur()")
    for _ in range(MOST_TABS):
        await page.keyboard.press("Tab")
        at = await page.evaluate(FOCUS)
        if at is not None and at["tag"] != "IFRAME" and not (at["shown"] and at["inside"]):
            wrong.append(f"not seen: {at}")
        if await page.evaluate(PASSED) and at is not None:
            break
    else:
        wrong.append("it does not come around")
    return wrong + [f"not reached: {html}" for html in await page.evaluate(MISSED)]


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
async def test_tab_leads_to_every_control_of_every_page_and_around(browser, size):
    wrong = {}
    async with person(browser, viewport=size) as context:
        for number, (name, values) in enumerate(pages()):
            page = await context.new_page()
            await shown(page, name, values)
            if found := await walked(page):
                wrong[f"{number} {name}"] = found
            await page.close()
    assert wrong == {}
