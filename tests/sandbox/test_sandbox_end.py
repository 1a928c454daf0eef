"""Nothing of a box outlives it, however it ends."""

import asyncio
import secrets
from pathlib import Path

import pytest

from gavip_hub.backends.base import Liveness
from tests.support.boxes import BOUND

pytestmark = pytest.mark.sandbox

TREE = """
import os, subprocess, sys, time
mark = sys.argv[1]
subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(600)", mark], start_new_session=True)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execv(sys.executable, [sys.executable, "-S", "-c", "import time; time.sleep(600)", mark])
    os._exit(0)
time.sleep(0.3)
print("grown", flush=True)
if sys.argv[2:] == ["stay"]:
    time.sleep(600)
"""


@pytest.fixture
def mark():
    return f"mark-{secrets.token_hex(8)}"


def marked(mark: str) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if mark.encode() in words:
            found.append(int(path.parent.name))
    return found


async def none_marked(mark: str) -> None:
    async with asyncio.timeout(BOUND):
        while marked(mark):
            await asyncio.sleep(0.01)


async def test_what_a_command_left_behind_ends_with_it(walled, mark):
    await walled.run("gavip-jtree-1", "python", "-c", TREE, mark)
    assert marked(mark) == []


async def test_a_stopped_box_leaves_nothing(walled, mark):
    walled.launcher.launch(walled.spec("gavip-jtree-1", "python", "-c", TREE, mark, "stay"))
    await walled.says("gavip-jtree-1", "grown")
    assert len(marked(mark)) == 3 + walled.own_processes("gavip-jtree-1")
    walled.launcher.stop("gavip-jtree-1")
    await walled.end_of("gavip-jtree-1")
    assert marked(mark) == []


async def test_what_is_destroyed_takes_its_box_along(walled, mark):
    walled.launcher.launch(walled.spec("gavip-jtree-1", "python", "-c", TREE, mark, "stay"))
    await walled.says("gavip-jtree-1", "grown")
    assert len(marked(mark)) == 3 + walled.own_processes("gavip-jtree-1")
    walled.destroy("gavip-jtree-1")
    await walled.seen("gavip-jtree-1", Liveness.LOST)
    await none_marked(mark)


@pytest.mark.parametrize("limited", ["process"], indirect=True)  # an engine frees its own
async def test_removing_a_lost_box_frees_its_control_groups(limited, mark):
    limited.launcher.launch(limited.spec("gavip-jtree-1", "python", "-c", TREE, mark, "stay"))
    await limited.says("gavip-jtree-1", "grown")
    groups = [Path(line) for line in (limited.root / "boxes/gavip-jtree-1/cgroups").read_text().splitlines()]
    assert all(group.is_dir() for group in groups)
    limited.destroy("gavip-jtree-1")
    await limited.seen("gavip-jtree-1", Liveness.LOST)
    limited.launcher.remove("gavip-jtree-1")
    assert groups
    assert not any(group.exists() for group in groups)


@pytest.mark.parametrize("limited", ["process"], indirect=True)
async def test_an_ended_box_leaves_no_control_group(limited):
    await limited.run("gavip-jshort-1", "true")
    groups = [Path(line) for line in (limited.root / "boxes/gavip-jshort-1/cgroups").read_text().splitlines()]
    async with asyncio.timeout(BOUND):
        while any(group.exists() for group in groups):
            await asyncio.sleep(0.01)


async def test_without_walls_a_stopped_box_leaves_nothing_either(open_world, mark):
    open_world.launcher.launch(open_world.spec("gavip-jtree-1", "python", "-c", TREE, mark, "stay"))
    await open_world.says("gavip-jtree-1", "grown")
    assert len(marked(mark)) == 3
    open_world.launcher.stop("gavip-jtree-1")
    await open_world.end_of("gavip-jtree-1")
    assert marked(mark) == []


async def test_removing_a_live_box_kills_it(walled, mark):
    walled.launcher.launch(walled.spec("gavip-jtree-1", "python", "-c", TREE, mark, "stay"))
    await walled.says("gavip-jtree-1", "grown")
    walled.launcher.remove("gavip-jtree-1")
    await none_marked(mark)
    assert walled.launcher.look("gavip-jtree-1").liveness is Liveness.LOST
