"""How a person does things on a page: with the mouse, or by keys alone. A walk is written once for both."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from playwright.async_api import FileChooser, Locator, Page

MOUSE, KEYBOARD = "mouse", "keyboard"
MOST_TABS = 400
"""More than any page has places: who pressed Tab as often goes in circles."""
FOCUS = """() => {
    const item = document.activeElement;
    if (!item || item === document.body || item === document.documentElement) return null;
    // A hidden file input shows its focus at its label, a field with a unit around both, an upload at its button.
    const around = [item, item.parentElement, item.previousElementSibling, item.nextElementSibling];
    const shows = (one) => one && parseFloat(getComputedStyle(one).outlineWidth) > 0
        && getComputedStyle(one).outlineStyle !== "none";
    const box = item.getBoundingClientRect();
    return {
        what: (item.getAttribute("aria-label") || item.textContent || item.name || item.id || item.tagName).trim().slice(0, 80),
        tag: item.tagName,
        shown: around.some(shows),
        inside: box.bottom > 0 && box.right > 0 && box.top < innerHeight && box.left < innerWidth,
    };
}"""
"""What has the focus, whether that is seen, and whether it lies in the window."""


class Hand:
    """One person's hand on a page.

    Parameters
    ----------
    by
        `mouse`, or `keyboard`: then Tab leads to everything, the focus is seen at each step, and keys do the rest.
    """

    def __init__(self, page: Page, by: str) -> None:
        self.page = page
        self.by: Literal["mouse", "keyboard"] = "keyboard" if by == KEYBOARD else "mouse"

    async def press(self, control: Locator) -> None:
        """Press a button, follow a link, open what is folded."""
        if self.by == MOUSE:
            await control.click()
            return
        await self.reach(control)
        await self.page.keyboard.press("Enter")

    async def tick(self, box: Locator) -> None:
        """Turn a check box."""
        if self.by == MOUSE:
            await box.click()
            return
        await self.reach(box)
        await self.page.keyboard.press("Space")

    async def write(self, field: Locator, text: str, *, send: bool = False) -> None:
        """Write a text in place of what a field holds; then press Enter if it is to be sent."""
        if self.by == MOUSE:
            await field.click()
        else:
            await self.reach(field)
        await self.page.keyboard.press("ControlOrMeta+a")
        await self.page.keyboard.type(text)
        if send:
            await self.page.keyboard.press("Enter")

    async def choose(self, select: Locator, words: str) -> None:
        """Take one of a few, by its words."""
        if self.by == MOUSE:
            await select.select_option(label=words)
            return
        await self.reach(select)
        labels = await select.evaluate("select => [...select.options].map(one => one.label)")
        here = await select.evaluate("select => select.selectedIndex")
        away = labels.index(words) - here
        for _ in range(abs(away)):
            await self.page.keyboard.press("ArrowDown" if away > 0 else "ArrowUp")
        assert await select.evaluate("select => select.selectedOptions[0].label") == words

    async def bring(self, control: Locator, files: Sequence[Path]) -> None:
        """Press what asks for files, and give it these."""
        async with self.page.expect_file_chooser() as asked:
            if self.by == MOUSE:
                # The input itself is hidden: the mouse presses its label.
                await self.page.locator(f"label[for='{await control.get_attribute('id')}']").click()
            else:
                await self.reach(control)
                await self.page.keyboard.press("Enter")
        chooser: FileChooser = await asked.value
        await chooser.set_files(list(files))

    async def reach(self, control: Locator) -> None:
        """Go to a control by Tab alone; the focus is seen on the way, and never lost or held."""
        await control.wait_for()
        passed: list[str] = []
        for _ in range(MOST_TABS):
            if await control.evaluate("item => item === document.activeElement"):
                return
            await self.page.keyboard.press("Tab")
            if (at := await look(self.page, FOCUS)) is not None and at["tag"] != "IFRAME":
                passed.append(at["what"])
                assert at["shown"], f"the focus is not seen on {at}"
                assert at["inside"], f"the focus is outside of the window on {at}"
        raise AssertionError(f"Tab does not lead to {control}; it passed {passed[:60]}")


async def look(page: Page, what: str) -> Any:
    """Evaluate something that changes nothing; once more where the page went away in that moment."""
    from playwright.async_api import Error

    try:
        return await page.evaluate(what)
    except Error as error:
        if "context was destroyed" not in error.message:
            raise
    await page.wait_for_load_state()
    return await page.evaluate(what)


async def drop(page: Page, files: Sequence[Path]) -> None:
    """Drop files from a desktop's file manager onto a page, as the browser gets them from the system."""
    session = await page.context.new_cdp_session(page)
    size = page.viewport_size
    assert size is not None
    at = {"x": size["width"] / 2, "y": size["height"] / 2}
    data = {"items": [], "files": [str(file) for file in files], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        await session.send("Input.dispatchDragEvent", {"type": kind, **at, "data": data})
    await session.detach()
