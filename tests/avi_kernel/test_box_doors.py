"""What stands beside a container, through restarts of the process in which it stands."""

import asyncio

from avi_kernel.box.disk import NOTE_FILE
from avi_kernel.box.doors import END_FILE, Doors
from avi_kernel.box.spec import load
from tests.avi_kernel.test_shim import box


async def test_doors_that_are_opened_anew_know_what_the_container_wrote_before(tmp_path):
    described = box(tmp_path, written_mb=1, written_dirs=[str(tmp_path / "attempt")])
    for folder in ("attempt", "sockets/ways"):
        (tmp_path / folder).mkdir()
    (tmp_path / "run" / NOTE_FILE).write_text("0")
    (tmp_path / "attempt/large").write_bytes(b"x" * 2_000_000)
    doors = Doors(load(tmp_path / "run"))
    await doors.open()
    reader, writer = await asyncio.open_unix_connection(f"{described.socket_dir}/ways/log")
    async with asyncio.timeout(10):
        told = await reader.readline()
    writer.close()
    await doors.close()
    assert told == b"too_much_written it wrote more than the 1 MB that it may\n"
    assert (tmp_path / "run" / END_FILE).read_text() == told.decode().strip()


async def test_what_a_container_writes_before_it_prints_counts(tmp_path):
    described = box(tmp_path, written_mb=1, written_dirs=[str(tmp_path / "attempt")])
    for folder in ("attempt", "sockets/ways"):
        (tmp_path / folder).mkdir()
    doors = Doors(load(tmp_path / "run"))
    await doors.open()
    (tmp_path / "attempt/large").write_bytes(b"x" * 2_000_000)
    reader, writer = await asyncio.open_unix_connection(f"{described.socket_dir}/ways/log")
    async with asyncio.timeout(10):
        told = await reader.readline()
    writer.close()
    await doors.close()
    assert told.startswith(b"too_much_written")
