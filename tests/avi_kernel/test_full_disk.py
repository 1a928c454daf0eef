"""What a job leaves at its end finds room on a disk that others have filled."""

import asyncio

from avi_kernel.runner import OUTCOME_ROOM, reserve_outcome, write_outcome
from gavip_hub.backends.base import Liveness
from tests.support.boxes import BOUND, OPEN, BoxWorld


def test_an_outcome_has_its_room_from_the_beginning(small_disk):
    reserve_outcome(small_disk.path)
    small_disk.fill()
    text = "x" * (OUTCOME_ROOM - 1)
    write_outcome(small_disk.path, text)
    assert (small_disk.path / "outcome.json").read_text() == text
    assert not list(small_disk.path.glob(".outcome*"))


def test_an_outcome_that_is_shorter_than_its_room_is_whole(tmp_path):
    reserve_outcome(tmp_path)
    write_outcome(tmp_path, "{}")
    assert (tmp_path / "outcome.json").read_text() == "{}"


async def test_the_record_of_a_boxs_end_waits_for_room(small_disk):
    small_disk.path.chmod(0o711)
    boxes = BoxWorld(root=small_disk.path / "root", sandbox=OPEN)
    program = "import time; time.sleep(3)"
    spec = boxes.spec("gavip-j1-1", "python", "-S", "-c", program)
    small_disk.fill(leave_mb=8)  # so that the rest is full at once, long before the program ends
    await asyncio.to_thread(boxes.launcher.launch, spec)
    small_disk.fill()
    begun = boxes.root / "boxes" / "gavip-j1-1" / ".exit.json.new"
    async with asyncio.timeout(BOUND):
        while not begun.exists():
            await asyncio.sleep(0.05)
    assert boxes.launcher.look("gavip-j1-1").liveness is Liveness.RUNNING
    small_disk.empty()
    ended = await boxes.end_of("gavip-j1-1")
    assert (ended.exit_code, ended.reason) == (0, "exited")
    boxes.launcher.remove("gavip-j1-1")
