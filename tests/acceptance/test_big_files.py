"""Large files and large folders on a whole platform: they come, go and are looked at, within what the service may take."""

import os
import signal
import socket
import statistics
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.async_api import Browser, Page, expect

from tests.support.browser import Seen, person, watch
from tests.support.large import (
    FRAMES,
    GB,
    MB,
    PIECE,
    Tus,
    digest_of,
    digest_of_large,
    highest_memory,
    piece,
    write_csv,
    write_large,
)
from tests.support.platform import Platform, eventually, platform_to_throw_away, start_platform

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.alone,
    pytest.mark.hub,
    pytest.mark.browser,
    pytest.mark.timeout(900),
]
SETTINGS = "c.Gavip.bundled_avis = False\nc.Gavip.check_releases = False"
USER = "scientist"
MANY = 10_000
ON_A_PAGE = 100
LONGEST_FRAME_MS = 100
MAY_GROW_MB = 64
Tell = Callable[[str], None]


@pytest.fixture(scope="module")
def own() -> Iterator[Platform]:
    with platform_to_throw_away("big", settings=SETTINGS) as platform:
        platform.token(USER)
        yield platform


@pytest.fixture
def space(own: Platform) -> Path:
    folder = own.root / "users" / USER
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def scientist(own: Platform) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {own.token(USER)}"}
    with httpx.Client(transport=own.transport(), headers=headers, timeout=120) as http:
        yield http


@asynccontextmanager
async def signed_in(browser: Browser, own: Platform) -> AsyncIterator[tuple[Page, Seen]]:
    async with person(browser) as context:
        page = await context.new_page()
        await page.goto(own.url)
        await page.get_by_label("User name").fill(USER)
        await page.get_by_label("Password", exact=True).fill(own.password(USER))
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.get_by_role("heading", name="Catalogue")).to_be_visible(timeout=60_000)
        yield page, watch(page)


# Uploads


def cut_in_the_middle(own: Platform, upload: Tus) -> None:
    """Send half of a piece, and let the line end there."""
    offset, address = upload.offset(), urlsplit(upload.url)
    headers = {**upload.headers(offset), "Host": address.netloc, "Content-Length": str(PIECE)}
    headers["Authorization"] = f"Bearer {own.token(USER)}"
    told = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    with socket.create_connection(("127.0.0.1", own.port)) as line:
        line.sendall(
            f"PATCH {address.path} HTTP/1.1\r\n{told}\r\n".encode() + piece(offset // PIECE)[: PIECE // 2]
        )


def kill_the_service(own: Platform, upload: Tus) -> None:
    """Kill the service in the middle of a piece; its supervisor starts another."""
    old = own.pid("service")
    assert old
    timer = threading.Timer(0.2, os.kill, (old, signal.SIGKILL))
    timer.start()
    with pytest.raises(httpx.HTTPError):
        upload.send(2 * GB)
    eventually(lambda: own.pid("service") not in {None, old}, "there is another service")
    eventually(lambda: is_there(upload), "it answers")


def stop_the_platform(own: Platform, upload: Tus) -> None:
    """Stop all of it as Ctrl-C does, and start it again."""
    own.end()
    own.process = start_platform(own.root, port=own.port).process
    eventually(lambda: is_there(upload), "it answers")


def is_there(upload: Tus) -> bool:
    try:
        return upload.offset() >= 0
    except httpx.HTTPError:
        return False


def test_two_gigabytes_that_break_off_three_times_come_whole(own: Platform, space: Path) -> None:
    size = 2 * GB
    with scientist(own) as http:
        upload = Tus(http, own.url, "data/two.bin", size)
        for number, broken in enumerate((cut_in_the_middle, kill_the_service, stop_the_platform), start=1):
            upload.send(number * size // 4)
            broken(own, upload)
            assert number * size // 4 <= upload.offset() < size
            assert not (space / "data/two.bin").exists()
        upload.send(size)
        told = http.get(f"{own.api}/data/digest?path=data/two.bin").json()
    assert (told["size"], told["sha256"]) == (size, digest_of_large(size))
    assert digest_of(space / "data/two.bin") == told["sha256"]
    assert not list((own.root / "uploads" / USER).glob("*.part"))
    (space / "data/two.bin").unlink()


async def come_so_far(page: Page, megabytes: int) -> None:
    """Wait until the bar of an upload stands at so much."""
    await page.wait_for_function(
        "least => [...document.querySelectorAll('[data-uploads] progress')].some(bar => bar.value >= least)",
        arg=megabytes * MB,
        timeout=120_000,
    )


async def test_an_upload_of_a_browser_goes_on_after_reloads_and_without_a_line(
    browser: Browser, own: Platform, space: Path, tmp_path: Path
) -> None:
    write_large(tmp_path / "large.bin", 200 * MB)
    async with signed_in(browser, own) as (page, _):
        offsets: list[int] = []
        page.on("request", lambda request: offsets.append(int(request.headers.get("upload-offset", "-1"))))
        page.on("dialog", lambda dialog: dialog.accept())
        await page.goto(f"{own.url}/services/gavip/files?path=")
        for share in (40, 90):
            await page.locator("#upload-files").set_input_files(tmp_path / "large.bin")
            await come_so_far(page, share)
            await page.reload()
        await page.locator("#upload-files").set_input_files(tmp_path / "large.bin")
        await come_so_far(page, 130)
        await page.context.set_offline(True)
        await expect(page.locator("[data-uploads] li")).to_contain_text("MB of")
        await page.wait_for_timeout(1500)
        await page.context.set_offline(False)
        await expect(page.locator("[data-upload-summary]")).to_have_text("1 of 1 file done", timeout=120_000)
    sent = [offset for offset in offsets if offset >= 0]
    pieces = set(range(0, 200 * MB, PIECE))
    assert set(sent) <= pieces
    assert len(pieces - set(sent)) <= 2, "of each reload the browser may keep one request to itself"
    assert len(sent) <= len(set(sent)) + 6, "hardly a piece was sent twice"
    assert digest_of(space / "large.bin") == digest_of(tmp_path / "large.bin")
    (space / "large.bin").unlink()


# Folders of many files


@pytest.fixture(scope="module")
def many(own: Platform) -> None:
    folder = own.root / "users" / USER / "many"
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(MANY):
        (folder / f"{number:05}.csv").touch()


async def to_the_end_by_wheel(page: Page) -> None:
    await page.mouse.move(640, 400)
    while not await page.evaluate("() => innerHeight + scrollY >= document.documentElement.scrollHeight - 2"):
        await page.mouse.wheel(0, 200)
        await page.wait_for_timeout(16)


async def to_the_end_by_keys(page: Page) -> None:
    await page.locator("#listing tbody .file-name a").first.focus()
    for _ in range(ON_A_PAGE - 1):
        await page.keyboard.press("ArrowDown")


async def test_the_first_of_ten_thousand_files_are_there_within_a_second(
    browser: Browser, own: Platform, many: None, tell: Tell
) -> None:
    async with signed_in(browser, own) as (page, seen):
        took = []
        for _ in range(5):
            await page.goto(f"{own.url}/services/gavip/files?path=many")
            assert await page.locator("#listing tbody tr").count() >= ON_A_PAGE
            took.append(await page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd"))
        tell(
            f"first page of {MANY} files: median {statistics.median(took):.0f} ms, longest {max(took):.0f} ms"
        )
        assert max(took) < 1000
        assert seen.errors == []


@pytest.mark.parametrize("scroll", [to_the_end_by_wheel, to_the_end_by_keys])
async def test_no_frame_is_long_while_one_scrolls_through_ten_thousand_files(
    browser: Browser, own: Platform, many: None, tell: Tell, scroll: Callable[[Page], Awaitable[None]]
) -> None:
    frames: list[float] = []
    long: list[str] = []
    async with signed_in(browser, own) as (page, _):
        for number in (1, 2, 3, MANY // ON_A_PAGE // 2, MANY // ON_A_PAGE - 1, MANY // ON_A_PAGE):
            # What is long each time is the page's; what is long once may be another process's.
            tries = [await frames_on(page, own, number, scroll)]
            if max(tries[0]) >= LONGEST_FRAME_MS:
                long.append(f"{max(tries[0]):.0f} ms on page {number}")
                tries.append(await frames_on(page, own, number, scroll))
            frames += min(tries, key=max)
    tell(
        f"{len(frames)} frames: median {statistics.median(frames):.1f} ms, longest {max(frames):.1f} ms; "
        f"longer the first time: {long}"
    )
    assert len(frames) > 100
    assert max(frames) < LONGEST_FRAME_MS


async def frames_on(
    page: Page, own: Platform, number: int, scroll: Callable[[Page], Awaitable[None]]
) -> list[float]:
    """Scroll through a page, and return the milliseconds between its frames."""
    await page.goto(f"{own.url}/services/gavip/files?path=many&page={number}")
    await page.evaluate(FRAMES)
    await scroll(page)
    found: list[float] = await page.evaluate("() => window.frames_")
    return found


# Archives and tables


def test_a_zip_of_five_gigabytes_streams_in_little_memory(own: Platform, space: Path, tell: Tell) -> None:
    folder = space / "five"
    folder.mkdir()
    size = 5 * GB
    for number in range(10):
        write_large(folder / f"{number}.bin", size // 10)
    service = own.pid("service")
    assert service
    with scientist(own) as http, highest_memory(service) as memory:
        began, come, first = time.monotonic(), 0, 0.0
        with http.stream("GET", f"{own.api}/data/zip?path=five") as answer:
            assert answer.status_code == 200
            for content in answer.iter_bytes(MB):
                first = first or time.monotonic() - began
                come += len(content)
        took = time.monotonic() - began
    for path in folder.iterdir():
        path.unlink()
    grown = (memory[1] - memory[0]) / MB
    tell(f"zip: first byte after {first:.2f} s, {come / MB / took:.0f} MB/s, service grew by {grown:.1f} MB")
    assert come > size
    assert grown < MAY_GROW_MB


def test_a_table_of_five_gigabytes_is_seen_within_a_second(own: Platform, space: Path, tell: Tell) -> None:
    write_csv(space / "five.csv", 5 * 10**9)
    size = (space / "five.csv").stat().st_size
    with scientist(own) as http:
        http.get(f"{own.api}/data?path=").raise_for_status()  # signed in, as whoever sees the folder is
        took: dict[str, float] = {}
        shown: dict[str, dict[str, Any]] = {}
        for name, asked in {"first": "", "middle": str(size // 2), "last": "end"}.items():
            began = time.monotonic()
            answer = http.get(f"{own.api}/data/preview?path=five.csv&page={asked}")
            took[name] = time.monotonic() - began
            answer.raise_for_status()
            shown[name] = answer.json()
        assert [view["problem"] for view in shown.values()] == ["", "", ""]
        assert [len(view["table"]["columns"]) for view in shown.values()] == [3, 3, 3]
        assert min(len(view["table"]["rows"]) for view in shown.values()) > 10
        assert 0.49 < shown["middle"]["place"] < 0.51
        began = time.monotonic()
        page = http.get(f"{own.url}/services/gavip/files/view?path=five.csv")
        took["page"] = time.monotonic() - began
        assert page.status_code == 200
        assert "14.142857" in page.text
    (space / "five.csv").unlink()
    told = ", ".join(f"{name} {seconds:.2f} s" for name, seconds in took.items())
    tell(f"a table of 5 GB: {told}")
    assert max(took.values()) < 1
