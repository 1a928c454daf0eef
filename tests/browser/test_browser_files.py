"""The page of files in a real browser: with mouse, with keys, on a phone, and without script."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from gavip_hub.services.files import MOST_UPLOADS
from gavip_hub.storage.uploads import upload_of
from tests.support.browser import DESKTOP, PHONE, Seen, watch
from tests.support.service import RunningService, running_service

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]
MB = 1024 * 1024
TOKEN = {"Authorization": "Bearer dora-token"}


@pytest.fixture
async def service(tmp_path) -> AsyncIterator[RunningService]:
    async with running_service(tmp_path / "root") as running:
        yield running


@pytest.fixture
def space(service) -> Path:
    folder = service.root / "users" / "dora" / "data"
    folder.mkdir(parents=True)
    for name in ("a.csv", "b.csv", "c.csv"):
        (folder / name).write_text(name)
    (folder / "maps").mkdir()
    return folder


@asynccontextmanager
async def at(
    browser: Browser, service: RunningService, path: str, **options: Any
) -> AsyncIterator[tuple[Page, Seen]]:
    """Give the page of a folder, as its owner sees it."""
    context = await browser.new_context(**{"viewport": DESKTOP, "extra_http_headers": TOKEN, **options})
    context.set_default_timeout(20_000)
    page = await context.new_page()
    seen = watch(page)
    await page.goto(f"{service.url}/services/gavip/files?path={path}")
    yield page, seen
    await context.close()


async def listed(page: Page) -> list[str]:
    return [name.rstrip("/") for name in await page.locator("#listing .file-name").all_inner_texts()]


def files(tmp_path: Path, **sizes: int) -> list[Path]:
    folder = tmp_path / "own"
    folder.mkdir()
    for name, size in sizes.items():
        (folder / f"{name}.fits").write_bytes(bytes(range(256)) * (size // 256))
    return sorted(folder.iterdir())


async def test_files_are_uploaded_with_a_bar_each_and_appear(browser, service, space, tmp_path):
    async with at(browser, service, "data") as (page, seen):
        own = files(tmp_path, one=1024, two=9 * MB, three=2560)
        await page.locator("#upload-files").set_input_files(own)
        await expect(page.locator("[data-upload-summary]")).to_have_text("3 of 3 files done")
        await expect(page.locator("#listing").get_by_role("link", name="two.fits").first).to_be_visible()
        assert await page.locator("[data-uploads] progress.done").count() == 3
        assert seen.errors == []
        assert seen.hosts() == {service.url.removeprefix("http://")}
    assert (space / "two.fits").read_bytes() == (tmp_path / "own/two.fits").read_bytes()


async def test_an_upload_goes_on_after_its_line_broke(browser, service, space, tmp_path):
    async with at(browser, service, "data") as (page, _):
        broken = []

        async def breaks(route):
            # The second piece never comes, the first time.
            if route.request.headers.get("upload-offset") == str(4 * MB) and not broken:
                broken.append(route.request.url)
                await route.abort()
            else:
                await route.continue_()

        await page.route("**/files/uploads/*", breaks)
        await page.locator("#upload-files").set_input_files(files(tmp_path, large=11 * MB))
        await expect(page.locator("[data-upload-summary]")).to_have_text("1 of 1 file done")
        assert broken
    assert (space / "large.fits").read_bytes() == (tmp_path / "own/large.fits").read_bytes()


async def test_the_same_file_after_a_reload_goes_on_where_it_was(browser, service, space, tmp_path):
    own = files(tmp_path, large=11 * MB)
    async with at(browser, service, "data") as (page, _):
        sent: list[str] = []

        async def stands_still(route):
            offset = route.request.headers.get("upload-offset", "")
            if offset == str(4 * MB):
                await route.abort()
            else:
                await route.continue_()

        await page.route("**/files/uploads/*", stands_still)
        await page.locator("#upload-files").set_input_files(own)
        await expect(page.locator("[data-uploads] li")).to_contain_text("4.19 MB of")
        await page.get_by_role("button", name="Pause").click()
        await page.unroute("**/files/uploads/*")
        await page.reload()
        await expect(page.locator("#unfinished li")).to_contain_text("large.fits")
        page.on("request", lambda request: sent.append(request.headers.get("upload-offset", "")))
        await page.locator("#upload-files").set_input_files(own)
        await expect(page.locator("[data-upload-summary]")).to_have_text("1 of 1 file done")
        assert [offset for offset in sent if offset] == [str(4 * MB), str(8 * MB)]
        await expect(page.locator("#unfinished li")).to_have_count(0)
    assert (space / "large.fits").read_bytes() == own[0].read_bytes()


async def test_the_ninth_that_is_refused_shows_the_others_and_one_is_given_up(
    browser, service, space, tmp_path
):
    async with at(browser, service, "data") as (page, seen):
        for number in range(MOST_UPLOADS):
            upload = upload_of(owner="dora", parts=("data", f"{number}.fits"), size=9 * MB)
            service.service.core.uploads.begin("dora", upload)
        await page.locator("#upload-files").set_input_files(files(tmp_path, new=1024))
        await expect(page.locator("[data-uploads] li")).to_contain_text("8 of your files")
        await expect(page.locator("#unfinished li")).to_have_count(8)
        await page.get_by_role("button", name="Give up 3.fits").click()
        await expect(page.get_by_role("status").first).to_contain_text("given up")
        await expect(page.locator("#unfinished li")).to_have_count(7)
        assert [status for status, _ in seen.refused] == [409]


async def test_what_is_not_finished_is_given_up_without_script(browser, service, space):
    upload = upload_of(owner="dora", parts=("data", "large.fits"), size=9 * MB)
    service.service.core.uploads.begin("dora", upload)
    async with at(browser, service, "data", java_script_enabled=False) as (page, _):
        await page.get_by_role("button", name="Give up large.fits").click()
        await expect(page.locator("#unfinished li")).to_have_count(0)
    assert service.service.core.uploads.begun("dora") == {}


async def test_a_folder_that_is_dropped_comes_with_all_in_it(browser, service, space):
    async with at(browser, service, "data") as (page, seen):
        await page.evaluate(
            """async () => {
                const file = (name) => ({ isFile: true, name, file: (give) => give(new File(["x"], name)) });
                const folder = { isFile: false, name: "run", createReader() {
                    let told = false;
                    return { readEntries: (give) => { give(told ? [] : [file("one.csv"), file(".hidden")]); told = true; } };
                } };
                const event = new Event("drop", { bubbles: true, cancelable: true });
                event.dataTransfer = { types: ["Files"], items: [{ webkitGetAsEntry: () => folder }] };
                document.body.dispatchEvent(event);
            }"""
        )
        await expect(page.locator("#listing").get_by_role("link", name="run/")).to_be_visible()
        assert seen.errors == []
    assert [path.name for path in (space / "run").iterdir()] == ["one.csv"]


async def test_who_uploads_what_is_there_already_is_asked(browser, service, space, tmp_path):
    own = tmp_path / "a.csv"
    own.write_text("new")
    async with at(browser, service, "data") as (page, _):
        await page.locator("#upload-files").set_input_files(own)
        await page.get_by_role("button", name="Keep both").click()
        await expect(page.locator("#listing").get_by_role("link", name="a (2).csv")).to_be_visible()
        await page.locator("#upload-files").set_input_files(own)
        await page.get_by_role("button", name="Replace").click()
        await expect(page.locator("[data-upload-summary]")).to_have_text("2 of 2 files done")
    assert (space / "a.csv").read_text() == (space / "a (2).csv").read_text() == "new"


async def test_a_page_that_says_why_nothing_was_done_goes_on_following(browser, service, space, tmp_path):
    async with at(browser, service, "data&rename=a.csv") as (page, seen):
        await page.get_by_label("New name of a.csv").fill("b.csv")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("alert")).to_be_visible()
        await page.locator("#upload-files").set_input_files(files(tmp_path, new=1024))
        await expect(page.locator("#listing").get_by_role("link", name="new.fits").first).to_be_visible()
        assert [status for status, _ in seen.refused] == [409]


async def test_some_are_chosen_deleted_and_brought_back(browser, service, space):
    async with at(browser, service, "data") as (page, seen):
        delete = page.get_by_role("button", name="Delete chosen")
        await expect(delete).to_be_disabled()
        await page.get_by_label("Choose a.csv").click()
        await page.get_by_label("Choose c.csv").click(modifiers=["Shift"])
        await expect(page.locator("[data-count]")).to_have_text("3 chosen")
        await delete.click()
        await expect(page.get_by_role("status").first).to_contain_text("3 things moved to the bin.")
        assert await listed(page) == ["maps"]
        await page.get_by_role("button", name="Undo").click()
        await expect(page.get_by_label("Choose a.csv")).to_be_visible()
        assert await listed(page) == ["maps", "a.csv", "b.csv", "c.csv"]
        assert seen.errors == []


async def test_all_of_it_goes_by_keys_alone(browser, service, space):
    async with at(browser, service, "data") as (page, _):
        await page.locator("#listing").get_by_role("link", name="a.csv", exact=True).first.focus()
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("F2")
        await expect(page.get_by_label("New name of b.csv")).to_be_focused()
        await page.keyboard.press("Control+a")
        await page.keyboard.type("new.csv")
        await page.keyboard.press("Enter")
        await expect(page.get_by_label("Choose new.csv")).to_be_visible()
        more = page.get_by_label("More for new.csv")
        await more.focus()
        await page.keyboard.press("Enter")
        await page.keyboard.press("Tab")
        await expect(
            page.get_by_role("link", name="Download", exact=True).locator("visible=true")
        ).to_be_focused()
        await page.keyboard.press("Escape")
        await expect(more).to_be_focused()
        await page.keyboard.press("Delete")
        await expect(page.get_by_role("status").first).to_contain_text("moved to the bin")
    assert sorted(path.name for path in space.iterdir()) == ["a.csv", "c.csv", "maps"]


async def test_things_are_moved_into_a_folder_that_is_chosen(browser, service, space):
    async with at(browser, service, "data") as (page, _):
        await page.get_by_label("Choose a.csv").check()
        await page.get_by_label("Choose b.csv").check()
        await page.get_by_role("button", name="Move or copy chosen").click()
        await expect(page.get_by_role("button", name="Move into data")).to_be_disabled()
        await page.get_by_role("button", name="maps").click()
        await page.get_by_role("button", name="Move into maps").click()
        await expect(page.get_by_role("status").first).to_contain_text("2 things moved.")
    assert sorted(path.name for path in (space / "maps").iterdir()) == ["a.csv", "b.csv"]


async def test_what_is_chosen_is_downloaded_and_the_page_goes_on(browser, service, space):
    async with at(browser, service, "data") as (page, _):
        await page.get_by_label("Choose a.csv").check()
        for _ in range(2):
            async with page.expect_download() as download:
                await page.get_by_role("button", name="Download chosen").click()
            assert (await download.value).suggested_filename == "a.csv.zip"


async def test_it_all_goes_without_script(browser, service, space):
    async with at(browser, service, "data", java_script_enabled=False) as (page, _):
        await page.get_by_text("New folder", exact=True).click()
        await page.get_by_label("Name of the new folder").fill("old")
        await page.get_by_role("button", name="Make it").click()
        await page.get_by_label("Choose a.csv").check()
        await page.get_by_role("button", name="Delete chosen").click()
        await page.get_by_role("button", name="Undo").click()
        await page.get_by_label("More for a.csv").click()
        await page.get_by_role("link", name="Rename").locator("visible=true").click()
        await page.get_by_label("New name of a.csv").fill("z.csv")
        await page.get_by_role("button", name="Rename").click()
        assert await listed(page) == ["maps", "old", "b.csv", "c.csv", "z.csv"]


@pytest.mark.parametrize("options", [{"viewport": PHONE}, {"viewport": PHONE, "color_scheme": "dark"}])
async def test_on_a_phone_nothing_is_wider_than_the_page(browser, service, space, options):
    (space / ("long-" * 40 + ".fits")).write_text("x")
    async with at(browser, service, "data", **options) as (page, seen):
        for path in ("files?path=data", "files/bin", "files/find?text=csv", "files/place?path=data/a.csv"):
            await page.goto(f"{service.url}/services/gavip/{path}")
            wide = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert wide <= 0, path
        assert seen.errors == []


async def test_ten_thousand_files_come_a_page_at_a_time(browser, service, space):
    many = space / "many"
    many.mkdir()
    for number in range(10_000):
        (many / f"{number:05}.csv").touch()
    async with at(browser, service, "data/many") as (page, _):
        assert len(await listed(page)) == 100
        await page.get_by_role("link", name="Next").click()
        await expect(page.locator(".turns")).to_contain_text("101 to 200 of 10")


@pytest.mark.hub
async def test_who_signed_in_with_a_browser_uploads_and_deletes(scientist, tmp_path):
    """With a cookie, so that the page's own token has to come with each request."""
    await scientist.go("files")
    page = scientist.page
    await page.locator("#upload-files").set_input_files(files(tmp_path, signed=5 * MB))
    await page.get_by_label("Choose signed.fits").check()
    await page.get_by_role("button", name="Delete chosen").click()
    await expect(page.get_by_role("status").first).to_contain_text("1 thing moved to the bin.")
    assert scientist.seen.errors == []
