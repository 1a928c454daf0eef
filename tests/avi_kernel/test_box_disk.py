"""By how much the folders of a box have grown."""

import asyncio

import pytest

from avi_kernel.box import disk
from avi_kernel.box.disk import DiskWatch

KB = 1024


def fill(path, size):
    path.write_bytes(b"x" * size)


def watch_of(folder):
    """Return a watch that allows 1 MB more; its note lies beside the folder."""
    return DiskWatch(folders=[str(folder)], limit_mb=1, note=folder.with_name(f"{folder.name}-note"))


async def test_files_count_at_any_depth_and_links_do_not(tmp_path):
    outside, box = tmp_path / "outside", tmp_path / "box"
    for folder in (outside, box / "deep/deeper"):
        folder.mkdir(parents=True)
    fill(outside / "large", 900 * KB)
    fill(box / "deep/deeper/file", 100 * KB)
    (box / "link").symlink_to(outside)
    assert 100 * KB <= await watch_of(box).held() < 200 * KB


async def test_what_was_there_before_does_not_count(tmp_path, monkeypatch):
    monkeypatch.setattr(disk, "BETWEEN_LOOKS", 0.001)
    fill(tmp_path / "old", 3000 * KB)
    watching = asyncio.ensure_future(watch_of(tmp_path).exceeded())
    done, _ = await asyncio.wait({watching}, timeout=0.1)
    assert not done
    fill(tmp_path / "new", 1500 * KB)
    await asyncio.wait_for(watching, 10)


async def begun(folder):
    """Watch a folder and be ended once it is known what it held."""
    note = folder.with_name(f"{folder.name}-note")
    watching = asyncio.ensure_future(watch_of(folder).exceeded())
    async with asyncio.timeout(10):
        while not note.exists():
            await asyncio.sleep(0.001)
    watching.cancel()


async def test_who_looks_anew_counts_from_the_beginning(tmp_path):
    fill(tmp_path / "old", 3000 * KB)
    await begun(tmp_path)
    fill(tmp_path / "new", 1500 * KB)
    assert await asyncio.wait_for(watch_of(tmp_path).exceeded(), 10) == "1 MB"


async def test_many_files_made_while_nobody_looked_are_too_many(tmp_path, few):
    await begun(tmp_path)
    for number in range(9):
        (tmp_path / str(number)).touch()
    assert await asyncio.wait_for(watch_of(tmp_path).exceeded(), 10) == "3 files"


async def test_a_note_that_cannot_be_read_or_written_ends_no_watch(tmp_path):
    watch = DiskWatch(folders=[str(tmp_path)], limit_mb=1, note=tmp_path)
    watching = asyncio.ensure_future(watch.exceeded())
    done, _ = await asyncio.wait({watching}, timeout=0.05)
    assert not done
    watching.cancel()


@pytest.fixture
def few(monkeypatch):
    monkeypatch.setattr(disk, "BETWEEN_LOOKS", 0.001)
    monkeypatch.setattr(disk, "MOST_ENTRIES", 3)


async def test_too_many_files_are_too_much_however_small(tmp_path, few):
    watch = watch_of(tmp_path)
    watching = asyncio.ensure_future(watch.exceeded())
    await asyncio.sleep(0)  # it has seen that there is nothing
    for number in range(9):
        (tmp_path / str(number)).touch()
    assert await watch.held() is None
    assert await asyncio.wait_for(watching, 10) == "3 files"


async def test_too_many_files_that_were_there_before_end_nothing(tmp_path, few):
    for number in range(9):
        (tmp_path / str(number)).touch()
    watching = asyncio.ensure_future(watch_of(tmp_path).exceeded())
    done, _ = await asyncio.wait({watching}, timeout=0.1)
    assert not done
    watching.cancel()


async def test_a_folder_that_is_gone_holds_nothing(tmp_path):
    assert await watch_of(tmp_path / "gone").held() == 0


async def test_a_note_that_cannot_be_kept_is_remembered(tmp_path):
    watch = DiskWatch(folders=[str(tmp_path)], limit_mb=1, note=tmp_path)
    await watch.begin()
    (tmp_path / "large").write_bytes(b"x" * 2_000_000)
    async with asyncio.timeout(10):
        assert await watch.exceeded() == "1 MB"
