"""`gavip dev` as its developer sees it: the template's page, a job submitted in it, its picture."""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from tests.support.templates import made

pytestmark = pytest.mark.browser


@pytest.fixture
async def address(tmp_path) -> AsyncIterator[str]:
    """The address of the template's interface, as `gavip dev` prints it."""
    own = made(tmp_path / "first", "python")
    process = await asyncio.create_subprocess_exec(
        *(str(Path(sys.executable).with_name("gavip")), "dev", str(own), "--no-browser"),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    line = await asyncio.wait_for(process.stdout.readline(), 60)
    yield line.decode().split()[-1]
    process.terminate()
    await asyncio.wait_for(process.communicate(), 30)
    assert [
        each for each in psutil.process_iter(["cmdline"]) if str(own) in (each.info["cmdline"] or [])
    ] == []


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
