"""Every page by Tab alone: each control is reached, the focus is always seen, and comes around again."""

import pytest

from tests.support.browser import DESKTOP, PHONE, person
from tests.support.hands import FOCUS, MOST_TABS
from tests.support.shown_alone import shown
from tests.support.shown_pages import pages

pytestmark = [pytest.mark.browser, pytest.mark.acceptance, pytest.mark.timeout(600)]
FOLLOW = f"""() => {{
    document.activeElement.blur();
    window.walk = {{ passed: new Set(), wrong: [], around: false }};
    const look = {FOCUS};
    document.addEventListener("keydown", () => {{
        const item = document.activeElement, at = look();
        if (!at || item.tagName === "IFRAME") return;
        if (!at.shown || !at.inside) walk.wrong.push(JSON.stringify(at));
        if (walk.passed.has(item)) walk.around = true;
        walk.passed.add(item);
    }}, true);
}}"""
"""Looks at what has the focus each time that a key leads on from it."""
CONTROLS = """[...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex='0']")]
    .filter((item) => item.tabIndex >= 0 && !item.disabled && item.type !== "hidden" && item.checkVisibility()
        && !(item.type === "radio" && !item.checked))"""
MISSED = (
    f"() => {CONTROLS}.filter((item) => !walk.passed.has(item)).map((item) => item.outerHTML.slice(0, 120))"
)
"""What can be pressed or written, and was not led to."""


async def walked(page):
    """Go once around by Tab; return what is wrong."""
    await page.evaluate(FOLLOW)
    pressed = 0
    while not await page.evaluate("walk.around"):
        if pressed > MOST_TABS:
            return ["it does not come around"]
        for _ in range(2 + await page.evaluate(f"{CONTROLS}.length")):
            await page.keyboard.press("Tab")
            pressed += 1
    return [f"not seen: {at}" for at in set(await page.evaluate("walk.wrong"))] + [
        f"not reached: {html}" for html in await page.evaluate(MISSED)
    ]


async def wrong_on(browser, size):
    """Return what is wrong on which page."""
    wrong = {}
    async with person(browser, viewport=size) as context:
        page = await context.new_page()
        for number, (name, values) in enumerate(pages()):
            await shown(page, name, values)
            if found := await walked(page):
                wrong[f"{number} {name}"] = found
            await page.unroute_all()
    return wrong


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
async def test_tab_leads_to_every_control_of_every_page_and_around(browser, size):
    assert await wrong_on(browser, size) == {}
