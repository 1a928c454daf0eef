"""An interface of numpy, matplotlib and widgets in a container: what it holds, however often its page is loaded again."""

import asyncio
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import NamedTuple

import psutil
import pytest
from playwright.async_api import Page

from avi_kernel.box.accounts import MB, Accounts, own_groups
from benchmarks.support.notebooks import write_yardstick
from benchmarks.support.processes import pss_mb
from gavip_hub.backends.docker.engine import Engine
from gavip_hub.backends.runtime import platform_id
from tests.support.browser import open_browser, person
from tests.support.docker import IMAGE, need_engine
from tests.support.interface import eventually, kernels_below
from tests.support.people import sign_in
from tests.support.platform import Platform, platform_to_throw_away
from tests.support.published import publish

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.browser,
    pytest.mark.hub,
    pytest.mark.docker,
    pytest.mark.timeout(900),
]

AVI = "yardstick"
MOST_MB = 200
ROOM_MB = 400
"""What its box may hold: enough that the test sees what it wants to hold."""
RELOADS, COMPARED = 100, 20
MAY_GROW_MB = 10
"""The server settles: of 150 reloads the first 120 add 8 MB to what a fresh one holds, the next 25 half of one."""
PATIENCE_MS = 60_000
SETTINGS = f"""
c.Gavip.bundled_avis = False
c.Gavip.images = {{"avi-python": "{IMAGE}", "notebook": "{IMAGE}"}}
"""
DRAWN = """() => document.querySelectorAll('.widget-slider').length >= 6
  && document.body.innerText.includes('power is 2')
  && [...document.images].some(image => image.naturalWidth > 100)"""


class Held(NamedTuple):
    """What a box holds at one moment (MB)."""

    shared_fairly: float
    """By its processes; pages of which they have several share are split."""
    own: float
    """Of that, pages of no file: a file's pages weigh more once other boxes that had them too have ended."""
    counted: float
    """By its control group, but for cached files, which it gives back where memory is short."""


def own_mb(process: psutil.Process) -> float:
    """Return what of a process and its descendants is of no file (MB), pages that they share split."""
    family = [process, *process.children(recursive=True)]
    rolled = "\n".join(Path(f"/proc/{member.pid}/smaps_rollup").read_text() for member in family)
    return sum(map(int, re.findall(r"^Pss_Anon:\s+(\d+) kB", rolled, re.MULTILINE))) / 1024


class Box:
    """The container of the one open interface, as the host sees it."""

    def __init__(self, platform: Platform) -> None:
        (name,) = [path.name for path in (platform.root / "containers").glob("gavip-server-*")]
        found = Engine(platform=platform_id(platform.root)).inspect(name)
        self.init = psutil.Process(found["State"]["Pid"])
        (self.server,) = self.init.children()
        seen, groups = Path(f"/proc/{self.init.pid}/root"), own_groups(Path(f"/proc/{self.init.pid}"))
        self._groups = {name: seen / str(path).lstrip("/") for name, path in groups.items()}
        self.accounts = Accounts(self._groups)

    def held(self) -> Held:
        return Held(pss_mb(self.init), own_mb(self.init), self.accounts.memory_now_mb() - self._files_mb())

    def _files_mb(self) -> float:
        folder = self._groups.get("memory") or self._groups["unified"]
        lines = (line.split() for line in (folder / "memory.stat").read_text().splitlines())
        found = {name.removeprefix("total_"): int(size) for name, size in lines}  # the totals come last
        return (found["active_file"] + found["inactive_file"]) / MB


class Course(NamedTuple):
    """What was seen at each reload."""

    held: list[Held]
    kills: int


async def reload(page: Page, address: str, box: Box) -> Held:
    """Load the page as a browser's reload does, wait until it alone has a kernel, and weigh its box."""
    await page.goto(address, wait_until="commit")
    await page.wait_for_function(DRAWN, timeout=PATIENCE_MS)
    await eventually(lambda: len(kernels_below(box.server)) == 1, within=60)
    return box.held()


async def reloaded(platform: Platform) -> Course:
    box, address = Box(platform), platform.avi_url(AVI, "scientist")
    async with open_browser() as browser, person(browser) as somebody:
        page = await somebody.new_page()
        await sign_in(page, platform)
        held = [await reload(page, address, box) for _ in range(RELOADS)]
    return Course(held, box.accounts.memory_kills())


@pytest.fixture(scope="module")
def course() -> Iterator[Course]:
    """A hundred reloads of one open interface."""
    need_engine()
    with platform_to_throw_away("reloads", settings=SETTINGS, options=("--docker",)) as platform:
        folder = platform.root.parent / AVI
        write_yardstick(folder)
        manifest = f'title = "Yardstick"\n[interface]\nmemory = {ROOM_MB}\ncpu = 0.05\n'
        (folder / "avi.toml").write_text(manifest)
        publish(platform, AVI, folder=folder)
        platform.open_avi(AVI, "scientist")
        yield asyncio.run(reloaded(platform))


def test_a_hundred_reloads_leave_nothing_behind(course: Course, tell: Callable[[str], None]) -> None:
    first, last = (
        Held(*(median(column) for column in zip(*part, strict=True)))
        for part in (course.held[:COMPARED], course.held[-COMPARED:])
    )
    tell(f"{RELOADS} reloads (MB): {first} at first, {last} at last")
    assert course.kills == 0
    assert last.own - first.own < MAY_GROW_MB
    assert last.counted - first.counted < MAY_GROW_MB


def test_an_interface_with_its_kernel_stays_under_200_mb(course: Course) -> None:
    assert max(held.shared_fairly for held in course.held) < MOST_MB
    assert max(held.counted for held in course.held) < MOST_MB
