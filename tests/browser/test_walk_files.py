"""Somebody brings files, arranges them, loses and finds them, and takes them home: at a desk and on a phone, by mouse and by keys."""

import zipfile
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Walker
from tests.support.hands import MOUSE, drop

pytestmark = [pytest.mark.browser, pytest.mark.hub, pytest.mark.acceptance, pytest.mark.timeout(300)]


def written(folder: Path, **texts: str) -> dict[str, Path]:
    """Write files on the person's own machine."""
    files = {name: folder / f"{name}.csv" for name in texts}
    for name, text in texts.items():
        files[name].write_text(text)
    return files


def listed(walker: Walker, name: str):
    """Return the link of what lies in the folder that is shown."""
    return walker.page.locator("#listing").get_by_role("link", name=name, exact=True)


async def make_folder(walker: Walker, name: str) -> None:
    await walker.hand.press(walker.page.get_by_text("New folder", exact=True))
    await walker.hand.write(walker.page.get_by_label("Name of the new folder"), name)
    await walker.press("Make it")
    await expect(walker.page.get_by_role("status").first).to_have_text("The folder is made.")
    await walker.hand.press(listed(walker, f"{name}/"))


async def choose_from_menu(walker: Walker, name: str, words: str) -> None:
    """Open the menu of a row and take one of its entries, a link or a button."""
    await walker.hand.press(walker.page.get_by_label(f"More for {name}", exact=True))
    menu = walker.page.locator("details.menu[open] .menu-list")
    await walker.hand.press(menu.get_by_text(words, exact=True))


async def bring(walker: Walker, files: dict[str, Path]) -> None:
    """Bring one by the button, and the others by dropping them where there is a mouse."""
    first, *others = files.values()
    await walker.hand.bring(walker.page.locator("#upload-files"), [first])
    await expect(listed(walker, first.name)).to_be_visible()
    if walker.way.by == MOUSE:
        await drop(walker.page, others)
    else:
        await walker.hand.bring(walker.page.locator("#upload-files"), others)
    for file in others:
        await expect(listed(walker, file.name)).to_be_visible()


async def test_files_are_brought_looked_at_arranged_found_and_taken_home(walker: Walker, tmp_path):
    page, home = walker.page, f"walk-{walker.way.name}"
    await walker.person.go("files")
    await make_folder(walker, home)
    await bring(walker, written(tmp_path, stars="ra,dec\n1,2\n3,4\n", notes="a\n1\n", old="x\n"))

    await walker.hand.press(listed(walker, "stars.csv"))
    await expect(page.get_by_role("cell", name="3", exact=True)).to_be_visible()
    await walker.follow(home, exact=True)

    await choose_from_menu(walker, "notes.csv", "Rename")
    await walker.hand.write(page.get_by_label("New name of notes.csv"), "log.csv", send=True)
    await expect(listed(walker, "log.csv")).to_be_visible()

    await make_folder(walker, "maps")
    await walker.follow(home, exact=True)
    await choose_from_menu(walker, "log.csv", "Move or copy")
    await walker.press("maps")
    await walker.press("Copy into maps")
    await expect(page.get_by_role("status").first).to_have_text("1 thing copied.")
    await walker.hand.tick(page.get_by_label("Choose stars.csv"))
    await walker.press("Move or copy chosen")
    await walker.press("maps")
    await walker.press("Move into maps")
    await expect(listed(walker, "stars.csv")).to_have_count(0)

    await choose_from_menu(walker, "old.csv", "Delete")
    await walker.press("Undo")
    await expect(listed(walker, "old.csv")).to_be_visible()
    await choose_from_menu(walker, "old.csv", "Delete")
    await walker.follow("Bin", exact=True)
    await walker.press(f"Put {home}/old.csv back")
    await expect(listed(walker, "old.csv")).to_be_visible()

    await walker.hand.write(page.get_by_role("searchbox"), "stars", send=True)
    await expect(page.get_by_role("link", name="stars.csv")).to_be_visible()
    await walker.follow(f"{home}/maps", exact=True)
    await expect(listed(walker, "stars.csv")).to_be_visible()

    await walker.follow(home, exact=True)
    await walker.hand.tick(page.get_by_label("Choose maps"))
    async with page.expect_download() as kept:
        await walker.press("Download chosen")
    with zipfile.ZipFile(await (await kept.value).path()) as archive:
        assert sorted(archive.namelist())[-2:] == ["maps/log.csv", "maps/stars.csv"]
    await walker.fits()
