"""A link with parameters, from a person who is signed out to a notebook that reads it, on a whole platform."""

import re

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Person
from tests.support.avis import notebook, write_avi
from tests.support.browser import DESKTOP, watch
from tests.support.published import publish

pytestmark = [pytest.mark.browser, pytest.mark.hub, pytest.mark.timeout(300)]
READS = "from avi_kernel import link\nprint('radius', link.value('radius', 5.0), link.values())"


async def test_a_link_opens_the_interface_with_what_it_carries_after_signing_in(platform, browser, tmp_path):
    write_avi(tmp_path / "link-reader", {"app.ipynb": notebook(READS)})
    publish(platform, "link-reader", folder=tmp_path / "link-reader")
    platform.close_servers("scientist")
    context = await browser.new_context(viewport=DESKTOP)
    page = await context.new_page()
    person = Person(platform=platform, page=page, seen=watch(page))
    await person.go("avis/link-reader/open?radius=2.5&note=a+b")
    await page.get_by_label("User name").fill("scientist")
    await page.get_by_label("Password", exact=True).fill(platform.password("scientist"))
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url(re.compile(r"link-reader--scientist.*\?radius=2\.5&note=a\+b$"), timeout=90_000)
    await expect(page.locator("main")).to_contain_text(
        "radius 2.5 {'radius': '2.5', 'note': 'a b'}", timeout=90_000
    )
    await context.close()
    platform.close_servers("scientist")
