"""From a notebook on one's own machine to a public AVI that another user runs: in the browser alone, with no command."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.async_api import expect

from tests.support.avis import notebook
from tests.support.browser import person, watch
from tests.support.docker import need_engine
from tests.support.notebooks import run_in_notebook
from tests.support.people import open_avi, sign_in
from tests.support.platform import Platform, platform_to_throw_away

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

pytestmark = [pytest.mark.hub, pytest.mark.browser, pytest.mark.acceptance]
ASK = """async (place) => {
  const token = document.cookie.match(/(?:^|; )_xsrf=([^;]+)/)[1];
  return (await fetch(place, { headers: { "X-XSRFToken": token } })).json();
}"""
AUTHOR, READER = "developer", "scientist"
ANOTHER = "operator"  # who has no notebook server yet
NAME = "by-browser"


@pytest.fixture(scope="module", params=["process", pytest.param("docker", marks=pytest.mark.docker)])
def platform(request: pytest.FixtureRequest) -> Iterator[Platform]:
    """A platform as it is started, in boxes of either kind: a new release is checked there too."""
    options = ("--docker",) if request.param == "docker" else ()
    if options:
        need_engine()
    with platform_to_throw_away("by-browser", options=options) as running:
        yield running


@pytest.fixture
def own_file(tmp_path: Path) -> Path:
    """A notebook on the author's own machine."""
    file = tmp_path / "cone.ipynb"
    file.write_text(
        notebook(
            "from avi_kernel.pipelines import result\nresult('said.txt').write_text(f'{label}: {radius} deg');",
            parameters="radius = 5.0  # [deg]\nlabel = 'Hyades'  # on the plot\nbins = 20",
        )
    )
    return file


@asynccontextmanager
async def visitor(browser: "Browser", platform: Platform, user: str) -> AsyncIterator["Page"]:
    """Give somebody's browser, signed in."""
    async with person(browser) as theirs:
        page = await theirs.new_page()
        await sign_in(page, platform, user)
        yield page


async def upload(page: "Page", platform: Platform, file: Path) -> None:
    """Bring a file into one's space, by the notebook server."""
    await page.goto(f"{platform.url}/services/gavip/servers")
    await page.get_by_role("link", name="New notebook").click()
    await page.wait_for_url("**/lab**", timeout=90_000)
    async with page.expect_file_chooser(timeout=90_000) as asked:
        await page.get_by_title("Upload Files").click()
    await (await asked.value).set_files(file)
    await page.get_by_role("listitem", name=f"Name: {file.name}").wait_for()


async def open_in_lab(lab: "Page", file: Path) -> None:
    """Open a notebook, and wait for its toolbar's button and its kernel: once that is there, Lab moves the focus no more."""
    await lab.get_by_role("listitem", name=f"Name: {file.name}").dblclick()
    await expect(lab.get_by_role("button", name="Make an AVI")).to_be_enabled(timeout=60_000)
    await lab.locator(".jp-Notebook-ExecutionIndicator[data-status='idle']").wait_for(timeout=60_000)


async def portal_page_by(lab: "Page", act: Callable[[], Awaitable[None]], file: Path) -> "Page":
    """Do what opens the portal's page in a new tab; it has the notebook chosen, and says what it found."""
    async with lab.expect_popup(timeout=60_000) as opened:
        await act()
    page = await opened.value
    await expect(page.get_by_label("Of a notebook of your space")).to_have_value(file.name)
    await expect(page.get_by_text("Parameter radius: float, 5.0 deg by default")).to_be_visible()
    return page


async def by_the_palette(lab: "Page") -> None:
    """Call the command by the keyboard alone."""
    await lab.keyboard.press("Control+Shift+C")
    asked = lab.locator(".lm-CommandPalette-input")
    await expect(asked).to_be_focused(timeout=30_000)
    await asked.fill("Make an AVI")  # at one stroke: while Lab is busy, single letters are lost
    await lab.locator(".lm-CommandPalette-item.lm-mod-active", has_text="Make an AVI").wait_for()
    await asked.press("Enter")


async def by_the_file_menu(lab: "Page") -> None:
    """Call the command by the menu."""
    await lab.get_by_role("menuitem", name="File", exact=True).click()
    await lab.get_by_role("menuitem", name="Make an AVI").click()


async def default_of(lab: "Page", setting: str) -> Any:
    """Return what Lab does about notifications where its user chose nothing."""
    place = f"{lab.url.partition('/lab')[0]}/lab/api/settings/@jupyterlab/apputils-extension:notification"
    answer = await lab.evaluate(ASK, place)
    return answer["schema"]["properties"][setting]["default"]


async def make_public(page: "Page") -> None:
    """Do what an author does: make a project of the notebook, release it, show it to everybody."""
    await page.get_by_label("Name", exact=True).fill(NAME)
    await page.get_by_role("button", name="Make it").click()
    await expect(page.get_by_text("To decide:")).to_be_visible()
    await page.get_by_label("Version", exact=True).fill("1.0.0")
    await page.get_by_role("button", name="Release what main has").click()
    await page.get_by_role("button", name="1.0.0: Make public").click()
    await page.get_by_role("button", name="1.0.0: Make private").wait_for()


async def run_as_a_job(page: "Page", platform: Platform) -> None:
    """Fill the form of the pipeline, and wait for what it made."""
    await page.goto(f"{platform.url}/services/gavip/avis/{NAME}")
    await page.get_by_label("radius").fill("3")
    await page.get_by_role("button", name="Run as a job").click()
    await page.get_by_text("Completed").first.wait_for(timeout=90_000)
    await page.get_by_text("Hyades: 3.0 deg").wait_for()


@pytest.mark.timeout(600)
async def test_an_author_needs_no_command(
    platform: Platform, own_file: Path, browser: "Browser", tell: Callable[[str], None]
) -> None:
    began = time.monotonic()

    def told(what: str) -> None:
        tell(f"in the browser alone, {what}: {time.monotonic() - began:.1f} s")

    async with visitor(browser, platform, AUTHOR) as page:
        await upload(page, platform, own_file)
        told("a notebook lies in the space")
        await open_in_lab(page, own_file)
        button = page.get_by_role("button", name="Make an AVI")
        await make_public(await portal_page_by(page, partial(button.press, "Enter"), own_file))
        told("a public AVI")
    async with visitor(browser, platform, READER) as page:
        await run_as_a_job(page, platform)
        told("another user's job")
        await open_avi(page, platform, NAME, READER)
        await page.get_by_role("heading", name="By browser").wait_for(timeout=60_000)
        await page.get_by_role("button", name="Run").wait_for()
        told("another user's interface")


@pytest.mark.timeout(300)
async def test_lab_has_the_command_in_its_palette_and_menu_and_no_complaint_of_it(
    platform: Platform, own_file: Path, browser: "Browser"
) -> None:
    async with visitor(browser, platform, ANOTHER) as page:
        seen = watch(page)
        file = own_file.rename(own_file.with_name("again.ipynb"))
        await upload(page, platform, file)
        await open_in_lab(page, file)
        for act in (by_the_palette, by_the_file_menu):
            await (await portal_page_by(page, partial(act, page), file)).close()
        assert (await default_of(page, "fetchNews"), await default_of(page, "checkForUpdates")) == (
            "false",
            False,
        )
    assert [line for line in [*seen.errors, *seen.failed] if "gavip-lab" in line or "gavip:" in line] == []


def test_a_notebooks_code_has_the_kernels_package_and_asks_the_platform(platform: Platform) -> None:
    said = run_in_notebook(
        platform,
        READER,
        "import avi_kernel.pipelines, avi_kernel.connectors.tap\n"
        "from avi_kernel.client import Client\n"
        "print([avi['name'] for avi in Client.from_environment().api.avis.list()])",
    )
    assert "hr-diagram" in said
