"""`gavip dev` as its developer sees it: the template's page, a job submitted in it or in the page of its pipelines, its picture."""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from tests.support.browser import watch
from tests.support.templates import made

pytestmark = pytest.mark.browser


@pytest.fixture
async def addresses(tmp_path) -> AsyncIterator[list[str]]:
    """The addresses of the template's interface and of its pipelines' page, as `gavip dev` prints them."""
    own = made(tmp_path / "first", "python")
    process = await asyncio.create_subprocess_exec(
        *(str(Path(sys.executable).with_name("gavip")), "dev", str(own), "--no-browser"),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    lines = [await asyncio.wait_for(process.stdout.readline(), 60) for _ in range(2)]
    yield [line.decode().split()[-1] for line in lines]
    process.terminate()
    await asyncio.wait_for(process.communicate(), 30)
    assert [
        each for each in psutil.process_iter(["cmdline"]) if str(own) in (each.info["cmdline"] or [])
    ] == []


@pytest.fixture
def address(addresses) -> str:
    return addresses[0]


async def test_a_form_runs_a_job_whose_state_and_result_come_by_themselves(addresses, page):
    seen = watch(page)
    await page.goto(addresses[1])
    await page.wait_for_url("**/")
    await page.get_by_label("Faintest").fill("30")
    await page.get_by_role("button", name="Run as a job").click()
    await page.get_by_text("must be at most").first.wait_for()
    await page.get_by_label("Faintest").fill("14")
    await page.get_by_role("button", name="Run as a job").click()
    await page.get_by_text("Running", exact=True).wait_for()
    await page.get_by_text("Completed", exact=True).wait_for(timeout=60_000)
    picture = page.locator(".results img").first
    await picture.scroll_into_view_if_needed()
    await page.wait_for_function("document.querySelector('.results img')?.naturalWidth > 100")
    async with page.expect_download() as download:
        await page.get_by_role("link", name="Download").first.click()
    assert (await download.value).suggested_filename
    assert [words for words in seen.errors if "422" not in words] == []
    assert len(seen.hosts()) == 1


async def test_a_job_submitted_in_the_page_shows_its_progress_and_its_picture(address, page):
    await page.goto(address)
    await page.get_by_role("button", name="Count").click()
    panel = page.locator(".jupyter-widgets", has_text="Star counts")
    await panel.first.wait_for()
    await page.get_by_text("completed").first.wait_for(timeout=60_000)
    picture = page.locator("img.widget-image, .widget-image img, img[src^='blob:']").first
    await picture.wait_for(timeout=30_000)
    assert await picture.evaluate("image => image.naturalWidth") > 100


async def test_an_error_of_the_job_shows_in_the_panel(address, page, tmp_path):
    notebook = tmp_path / "first" / "pipelines" / "counts.ipynb"
    notebook.write_text(
        notebook.read_text().replace("magnitudes = made", "raise ValueError('cloudy'); magnitudes = made")
    )
    await page.goto(address)
    await page.get_by_role("button", name="Count").click()
    await page.get_by_text("ValueError: cloudy").first.wait_for(timeout=60_000)
