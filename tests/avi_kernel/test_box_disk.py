"""By how much the folders of a box have grown."""

import asyncio

import pytest

from avi_kernel.box import disk
from avi_kernel.box.disk import DiskWatch

KB = 1024


def fill(path, size):
    path.write_bytes(b"x" * size)


async def test_files_count_at_any_depth_and_links_do_not(tmp_path):
    outside, box = tmp_path / "outside", tmp_path / "box"
    for folder in (outside, box / "deep/deeper"):
        folder.mkdir(parents=True)
    fill(outside / "large", 900 * KB)
    fill(box / "deep/deeper/file", 100 * KB)
    (box / "link").symlink_to(outside)
    assert 100 * KB <= await DiskWatch(folders=[str(box)], limit_mb=1).held() < 200 * KB


async def test_what_was_there_before_does_not_count(tmp_path, monkeypatch):
    monkeypatch.setattr(disk, "BETWEEN_LOOKS", 0.001)
    fill(tmp_path / "old", 3000 * KB)
    watching = asyncio.ensure_future(DiskWatch(folders=[str(tmp_path)], limit_mb=1).exceeded())
    done, _ = await asyncio.wait({watching}, timeout=0.1)
    assert not done
    fill(tmp_path / "new", 1500 * KB)
    await asyncio.wait_for(watching, 10)


@pytest.fixture
def few(monkeypatch):
    monkeypatch.setattr(disk, "BETWEEN_LOOKS", 0.001)
    monkeypatch.setattr(disk, "MOST_ENTRIES", 3)


async def test_too_many_files_are_too_much_however_small(tmp_path, few):
    watch = DiskWatch(folders=[str(tmp_path)], limit_mb=1)
    watching = asyncio.ensure_future(watch.exceeded())
    await asyncio.sleep(0)  # it has seen that there is nothing
    for number in range(9):
        (tmp_path / str(number)).touch()
    assert await watch.held() is None
    assert await asyncio.wait_for(watching, 10) == "3 files"


async def test_too_many_files_that_were_there_before_end_nothing(tmp_path, few):
    for number in range(9):
        (tmp_path / str(number)).touch()
    watching = asyncio.ensure_future(DiskWatch(folders=[str(tmp_path)], limit_mb=1).exceeded())
    done, _ = await asyncio.wait({watching}, timeout=0.1)
    assert not done
    watching.cancel()


async def test_a_folder_that_is_gone_holds_nothing(tmp_path):
    assert await DiskWatch(folders=[str(tmp_path / "gone")], limit_mb=1).held() == 0
