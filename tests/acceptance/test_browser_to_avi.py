"""From a notebook in the user-space to a public AVI that another user runs: in the browser alone, with no command."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from tests.support.avis import notebook
from tests.support.browser import person
from tests.support.people import sign_in
from tests.support.platform import Platform

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

pytestmark = [pytest.mark.hub, pytest.mark.browser, pytest.mark.acceptance]
AUTHOR, READER = "developer", "scientist"
NAME = "by-browser"


@pytest.fixture
def written(platform: Platform) -> None:
    """A notebook in the author's space, as they saved it in JupyterLab."""
    space = platform.root / "users" / AUTHOR / "work"
    space.mkdir(parents=True, exist_ok=True)
    (space / "cone.ipynb").write_text(
        notebook(
            "from avi_kernel.pipelines import result\nresult('said.txt').write_text(f'{label}: {radius} deg');",
            parameters="radius = 5.0  # [deg]\nlabel = 'Hyades'  # on the plot\nbins = 20",
        )
    )


async def make_public(page: "Page", platform: Platform) -> None:
    """Do what an author does: make a project of the notebook, release it, show it to everybody."""
    await page.goto(f"{platform.url}/services/gavip/projects")
    await page.get_by_label("Name", exact=True).fill(NAME)
    await page.get_by_label("Of a notebook of your space").fill("work/cone.ipynb")
    await page.get_by_role("button", name="Make it").click()
    await page.get_by_label("Version", exact=True).fill("1.0.0")
    await page.get_by_role("button", name="Release what main has").click()
    await page.get_by_role("button", name="1.0.0: Make public").click()
    await page.get_by_role("button", name="1.0.0: Make private").wait_for()


async def test_an_author_needs_no_command(
    platform: Platform, written: None, browser: "Browser", tell: Callable[[str], None]
) -> None:
    begun = time.monotonic()
    async with person(browser) as theirs:
        page = await theirs.new_page()
        await sign_in(page, platform, AUTHOR)
        await make_public(page, platform)
    tell(f"from a notebook to a public AVI in the browser: {time.monotonic() - begun:.1f} s")
    async with person(browser) as other:
        page = await other.new_page()
        await sign_in(page, platform, READER)
        await page.goto(f"{platform.url}/services/gavip/avis/{NAME}")
        await page.get_by_label("radius").fill("3")
        await page.get_by_role("button", name="Run as a job").click()
        await page.get_by_text("Completed").first.wait_for(timeout=60_000)
        await page.get_by_text("Hyades: 3.0 deg").wait_for()
