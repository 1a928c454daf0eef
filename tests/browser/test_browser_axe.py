"""Every page of the portal, with something in it, as axe-core judges it: light and dark, at a desk and on a phone."""

from itertools import product

import pytest
from axe_playwright_python.async_playwright import Axe

from tests.support.browser import DESKTOP, PHONE, person
from tests.support.shown_alone import shown
from tests.support.shown_pages import pages

pytestmark = [pytest.mark.browser, pytest.mark.acceptance, pytest.mark.timeout(600)]
SERIOUS = {"serious", "critical"}
RULES = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}}
FEW = {"catalogue.html", "avi.html", "opening.html"}
everywhere_seen = pytest.mark.parametrize(
    ("size", "dark"),
    [
        pytest.param(size, dark, id=f"{size['width']}-{'dark' if dark else 'light'}")
        for size, dark in product((DESKTOP, PHONE), (False, True))
    ],
)


async def faults(page):
    """Return what is seriously wrong, each with where."""
    found = await Axe().run(page, options=RULES)
    return [
        f"{fault['id']}: {node['html'][:160]} ({node['failureSummary'][:300]})"
        for fault in found.response["violations"]
        if fault["impact"] in SERIOUS
        for node in fault["nodes"]
    ]


async def judged(browser, chosen, *, size, dark):
    wrong = {}
    async with person(browser, viewport=size, dark=dark) as context:
        for number, (name, values) in enumerate(chosen):
            page = await context.new_page()
            await shown(page, name, values)
            if found := await faults(page):
                wrong[f"{number} {name}"] = found
            if await page.evaluate("document.documentElement.scrollWidth") > size["width"]:
                wrong[f"{number} {name}, width"] = ["it is wider than the window"]
            await page.close()
    return wrong


async def test_the_main_pages_have_no_serious_fault(browser):
    first = {name: values for name, values in reversed(list(pages())) if name in FEW}
    assert await judged(browser, first.items(), size=DESKTOP, dark=False) == {}


@everywhere_seen
async def test_no_page_has_a_serious_fault(browser, size, dark):
    assert await judged(browser, list(pages()), size=size, dark=dark) == {}
