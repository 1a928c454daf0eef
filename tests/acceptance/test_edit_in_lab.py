"""An author edits a project without a terminal: opened in JupyterLab, compared in the portal, taken to main, released."""

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING

import pytest

from tests.support.avis import notebook
from tests.support.browser import person
from tests.support.docker import need_engine
from tests.support.people import sign_in
from tests.support.platform import Platform, platform_to_throw_away

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

pytestmark = [pytest.mark.hub, pytest.mark.browser, pytest.mark.acceptance]
AUTHOR, NAME = "developer", "in-lab"


@pytest.fixture(scope="module", params=["process", pytest.param("docker", marks=pytest.mark.docker)])
def platform(request: pytest.FixtureRequest) -> Iterator[Platform]:
    """A platform as it is started, in boxes of either kind: a person's numeric user must own the files in both."""
    options = ("--docker",) if request.param == "docker" else ()
    if options:
        need_engine()
    with platform_to_throw_away("in-lab", options=options) as running:
        yield running


@pytest.fixture
async def portal(browser: "Browser", platform: Platform) -> AsyncIterator["Page"]:
    """The author's browser, signed in."""
    async with person(browser) as theirs:
        page = await theirs.new_page()
        await sign_in(page, platform, AUTHOR)
        yield page


async def begin(portal: "Page", platform: Platform) -> None:
    """Make a project of a notebook of the author's space."""
    space = platform.root / "users" / AUTHOR
    space.mkdir(parents=True, exist_ok=True)
    (space / "cone.ipynb").write_text(notebook("print('first')", parameters="radius = 5.0  # [deg]"))
    await portal.goto(f"{platform.url}/services/gavip/projects")
    await portal.get_by_label("Name", exact=True).fill(NAME)
    await portal.get_by_label("Of a notebook of your space").fill("cone.ipynb")
    await portal.get_by_role("button", name="Make it").click()
    await portal.get_by_role("button", name="Edit in JupyterLab").wait_for()


async def change_in_lab(portal: "Page") -> None:
    """Open the pipeline's notebook in JupyterLab, write a line into its first cell, and save."""
    async with portal.expect_popup() as opened:
        await portal.get_by_role("link", name="pipelines/cone.ipynb").click()
    lab = await opened.value
    cell = lab.locator(".jp-Notebook .jp-Cell .cm-content").first
    await cell.wait_for(timeout=90_000)
    await cell.click()
    await lab.keyboard.press("Control+End")
    await lab.keyboard.type("\n# changed in the browser")
    await lab.locator(".jp-mod-dirty").first.wait_for()
    # By the button: while Lab is still coming up, a key may be nobody's.
    await lab.get_by_role("button", name="Save").first.click()
    await lab.locator(".jp-mod-dirty").first.wait_for(state="detached")
    await lab.close()


async def change_on_a_page(portal: "Page") -> None:
    """Edit the manifest in the portal."""
    await portal.get_by_role("link", name="avi.toml").click()
    await portal.get_by_role("link", name="Edit", exact=True).click()
    text = portal.get_by_label("Text of avi.toml")
    await text.fill("# By hand\n" + await text.input_value())
    await portal.get_by_label("What you changed, in a sentence").fill("A line by hand")
    await portal.get_by_role("button", name="Commit to main").click()
    await portal.get_by_text("# By hand").wait_for()


@pytest.mark.timeout(600)
async def test_an_author_changes_a_notebook_and_releases_it_in_the_browser(
    platform: Platform, portal: "Page"
) -> None:
    await begin(portal, platform)
    await portal.get_by_role("button", name="Edit in JupyterLab").click()
    await portal.get_by_text("Nothing: your folder is as it was").wait_for()
    await change_in_lab(portal)
    await portal.get_by_role("link", name="Look again").click()
    await portal.get_by_role("cell", name="pipelines/cone.ipynb").wait_for()
    await portal.get_by_text("# changed in the browser").wait_for()
    await portal.get_by_label("What you changed, in a sentence").fill("A line from the browser")
    await portal.get_by_role("button", name="Take it to main").click()
    await portal.get_by_text("A line from the browser").wait_for()
    await change_on_a_page(portal)
    await portal.get_by_role("link", name=NAME).first.click()
    await portal.get_by_text("A line by hand").wait_for()
    await portal.get_by_label("Version", exact=True).fill("1.1.0")
    await portal.get_by_role("button", name="Release what main has").click()
    await portal.get_by_role("link", name="1.1.0", exact=True).wait_for()
